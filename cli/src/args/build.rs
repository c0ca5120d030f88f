//! The flags of `build`: cargo's own, with cargo's help, and where the result goes.

use std::path::PathBuf;

use clap::Args;
use protocol::CargoOptions;

use super::Common;

/// Which project.
#[derive(Debug, Clone, Default, Args)]
pub struct ProjectArgs {
    /// Path to Cargo.toml
    #[arg(long, value_name = "PATH", help_heading = "Manifest Options")]
    pub manifest_path: Option<PathBuf>,
    /// Directory for all generated artifacts
    #[arg(long, value_name = "DIRECTORY", help_heading = "Compilation Options")]
    pub target_dir: Option<PathBuf>,
}

/// Options of `build`.
#[derive(Debug, Clone, Default, Args)]
pub struct BuildArgs {
    /// Leave the executables in the target directory, as cargo build does, instead of installing them
    #[arg(long, help_heading = "Installation")]
    pub no_install: bool,
    /// Install into DIR/bin
    #[arg(long, value_name = "DIR", help_heading = "Installation", conflicts_with = "no_install")]
    pub root: Option<PathBuf>,
    /// Overwrite binaries that belong to something else
    #[arg(short, long, help_heading = "Installation", conflicts_with = "no_install")]
    pub force: bool,

    /// Package to build
    #[arg(short, long, value_name = "SPEC", help_heading = "Package Selection")]
    pub package: Vec<String>,
    /// Build all packages in the workspace
    #[arg(long, visible_alias = "all", help_heading = "Package Selection")]
    pub workspace: bool,
    /// Exclude packages from the build
    #[arg(long, value_name = "SPEC", help_heading = "Package Selection", requires = "workspace")]
    pub exclude: Vec<String>,

    /// Build only this package's library
    #[arg(long, help_heading = "Target Selection")]
    pub lib: bool,
    /// Build all binaries
    #[arg(long, help_heading = "Target Selection")]
    pub bins: bool,
    /// Build only the specified binary
    #[arg(long, value_name = "NAME", help_heading = "Target Selection")]
    pub bin: Vec<String>,
    /// Build all examples
    #[arg(long, help_heading = "Target Selection")]
    pub examples: bool,
    /// Build only the specified example
    #[arg(long, value_name = "NAME", help_heading = "Target Selection")]
    pub example: Vec<String>,
    /// Build all targets that have `test = true` set
    #[arg(long, help_heading = "Target Selection")]
    pub tests: bool,
    /// Build only the specified test target
    #[arg(long, value_name = "NAME", help_heading = "Target Selection")]
    pub test: Vec<String>,
    /// Build all targets that have `bench = true` set
    #[arg(long, help_heading = "Target Selection")]
    pub benches: bool,
    /// Build only the specified bench target
    #[arg(long, value_name = "NAME", help_heading = "Target Selection")]
    pub bench: Vec<String>,
    /// Build all targets
    #[arg(long, help_heading = "Target Selection")]
    pub all_targets: bool,

    /// Space or comma separated list of features to activate
    #[arg(short = 'F', long, value_name = "FEATURES", help_heading = "Feature Selection")]
    pub features: Vec<String>,
    /// Activate all available features
    #[arg(long, help_heading = "Feature Selection")]
    pub all_features: bool,
    /// Do not activate the `default` feature
    #[arg(long, help_heading = "Feature Selection")]
    pub no_default_features: bool,

    /// Build in release mode, which is the default when installing
    #[arg(short, long, help_heading = "Compilation Options", conflicts_with = "profile")]
    pub release: bool,
    /// Build with the specified profile
    #[arg(long, value_name = "PROFILE-NAME", help_heading = "Compilation Options")]
    pub profile: Option<String>,
    /// Number of parallel jobs on the builder
    #[arg(short, long, value_name = "N", help_heading = "Compilation Options", allow_hyphen_values = true)]
    pub jobs: Option<String>,
    /// Do not abort the build as soon as there is an error
    #[arg(long, help_heading = "Compilation Options")]
    pub keep_going: bool,
    /// Build for the target triple instead of this device
    #[arg(long, value_name = "TRIPLE", help_heading = "Compilation Options")]
    pub target: Vec<String>,
    /// Copy final artifacts to this directory (not brought back by cargo cloud)
    #[arg(long, value_name = "PATH", help_heading = "Compilation Options", hide = true)]
    pub artifact_dir: Option<PathBuf>,
    /// Timing information (not brought back by cargo cloud)
    #[arg(long, num_args = 0..=1, require_equals = true, value_name = "FMTS", hide = true)]
    pub timings: Option<Option<String>>,
    /// Error format
    #[arg(long, value_name = "FMT")]
    pub message_format: Vec<String>,
    /// Outputs a future incompatibility report at the end of the build
    #[arg(long)]
    pub future_incompat_report: bool,
    /// Unstable (nightly-only) flags to Cargo
    #[arg(short = 'Z', value_name = "FLAG")]
    pub unstable: Vec<String>,

    /// Which project.
    #[command(flatten)]
    pub project: ProjectArgs,
    /// Ignore `rust-version` specification in packages
    #[arg(long, help_heading = "Manifest Options")]
    pub ignore_rust_version: bool,
    /// Assert that `Cargo.lock` will remain unchanged
    #[arg(long, help_heading = "Manifest Options")]
    pub locked: bool,
    /// Run without accessing the network
    #[arg(long, help_heading = "Manifest Options")]
    pub offline: bool,
    /// Equivalent to specifying both --locked and --offline
    #[arg(long, help_heading = "Manifest Options")]
    pub frozen: bool,
}

impl BuildArgs {
    /// Refuses what the client can't bring back.
    pub fn check(&self) -> anyhow::Result<()> {
        let lost = [("--artifact-dir", self.artifact_dir.is_some()), ("--timings", self.timings.is_some())];
        for (flag, given) in lost {
            if given {
                anyhow::bail!(
                    "`{flag}` writes files on the builder that cargo cloud doesn't bring back; leave it away"
                );
            }
        }
        Ok(())
    }

    /// The flags for the builder's cargo. What is installed is built for release, as `cargo install` does, unless a
    /// profile is named. `target` and `config` are left to the caller, who knows where defaults come from.
    pub fn options(&self, common: &Common, color: bool) -> CargoOptions {
        let split = |list: &[String]| -> Vec<String> {
            let names = list.iter().flat_map(|names| names.split([',', ' ', '\t']));
            names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
        };
        CargoOptions {
            package: self.package.clone(),
            workspace: self.workspace,
            exclude: self.exclude.clone(),
            lib: self.lib,
            bins: self.bins,
            bin: self.bin.clone(),
            examples: self.examples,
            example: self.example.clone(),
            tests: self.tests,
            test: self.test.clone(),
            benches: self.benches,
            bench: self.bench.clone(),
            all_targets: self.all_targets,
            features: split(&self.features),
            all_features: self.all_features,
            no_default_features: self.no_default_features,
            target: Vec::new(),
            release: self.release || (!self.no_install && self.profile.is_none()),
            profile: self.profile.clone(),
            jobs: self.jobs.clone(),
            keep_going: self.keep_going,
            locked: self.locked,
            offline: self.offline,
            frozen: self.frozen,
            config: Vec::new(),
            unstable: self.unstable.clone(),
            verbose: common.verbose,
            quiet: common.quiet,
            color,
            message_format: split(&self.message_format),
            ignore_rust_version: self.ignore_rust_version,
            future_incompat_report: self.future_incompat_report,
        }
    }

    /// The name of the profile that [`BuildArgs::options`] chooses.
    pub fn profile_name(&self) -> String {
        match &self.profile {
            Some(profile) => profile.clone(),
            None if self.release || !self.no_install => "release".to_owned(),
            None => "dev".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn installing_builds_release_unless_a_profile_is_named() {
        let common = Common { backend: None, quiet: false, verbose: 1, color: None, config: Vec::new() };
        let options = |args: BuildArgs| (args.options(&common, false), args.profile_name());
        let install = options(BuildArgs { features: vec!["a,b c".to_owned()], ..BuildArgs::default() });
        assert!(install.0.release && install.1 == "release");
        assert_eq!(install.0.features, ["a", "b", "c"]);
        let dev = options(BuildArgs { profile: Some("dev".to_owned()), ..BuildArgs::default() });
        assert!(!dev.0.release && dev.0.profile.as_deref() == Some("dev"));
        let left = options(BuildArgs { no_install: true, ..BuildArgs::default() });
        assert!(!left.0.release && left.1 == "dev");
    }

    #[test]
    fn what_would_be_lost_is_refused() {
        let args = BuildArgs { timings: Some(None), ..BuildArgs::default() };
        assert!(args.check().unwrap_err().to_string().contains("--timings"));
    }
}

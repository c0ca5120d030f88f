//! Groups of flags that several verbs have: cargo's own, with cargo's help. Flags that choose something (`--bin`) may have
//! no value, which is an empty one: then cargo lists what there is to choose from.

use std::path::PathBuf;

use clap::Args;
use protocol::CargoOptions;

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

/// Which packages.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Package Selection")]
pub struct PackageSelection {
    /// Package to work on (see `cargo help pkgid`)
    #[arg(short, long, value_name = "SPEC", num_args = 0..=1, default_missing_value = "")]
    pub package: Vec<String>,
    /// All packages in the workspace
    #[arg(long, visible_alias = "all")]
    pub workspace: bool,
    /// Exclude packages
    #[arg(long, value_name = "SPEC")]
    pub exclude: Vec<String>,
}

/// Which of a package's targets.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Target Selection")]
pub struct TargetSelection {
    /// Only this package's library
    #[arg(long)]
    pub lib: bool,
    /// All binaries
    #[arg(long)]
    pub bins: bool,
    /// Only the specified binary
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "")]
    pub bin: Vec<String>,
    /// All examples
    #[arg(long)]
    pub examples: bool,
    /// Only the specified example
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "")]
    pub example: Vec<String>,
    /// All targets that have `test = true` set
    #[arg(long)]
    pub tests: bool,
    /// Only the specified test target
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "")]
    pub test: Vec<String>,
    /// All targets that have `bench = true` set
    #[arg(long)]
    pub benches: bool,
    /// Only the specified bench target
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "")]
    pub bench: Vec<String>,
    /// All targets
    #[arg(long)]
    pub all_targets: bool,
}

/// Which features.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Feature Selection")]
pub struct FeatureSelection {
    /// Space or comma separated list of features to activate
    #[arg(short = 'F', long, value_name = "FEATURES")]
    pub features: Vec<String>,
    /// Activate all available features
    #[arg(long)]
    pub all_features: bool,
    /// Do not activate the `default` feature
    #[arg(long)]
    pub no_default_features: bool,
}

/// How it is compiled, and for what.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Compilation Options")]
pub struct CompilationArgs {
    /// Build artifacts with the specified profile
    #[arg(long, value_name = "PROFILE-NAME")]
    pub profile: Option<String>,
    /// Number of parallel jobs on the builder
    #[arg(short, long, value_name = "N", allow_hyphen_values = true)]
    pub jobs: Option<String>,
    /// Build for the target triple instead of this device
    #[arg(long, value_name = "TRIPLE", num_args = 0..=1, default_missing_value = "")]
    pub target: Vec<String>,
    /// Output a build timing report at the end of the build
    #[arg(long)]
    pub timings: bool,
}

/// How the manifest is read.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Manifest Options")]
pub struct ManifestArgs {
    /// Ignore `rust-version` specification in packages
    #[arg(long)]
    pub ignore_rust_version: bool,
    #[command(flatten)]
    network: NetworkArgs,
}

/// What may be fetched and written.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Manifest Options")]
pub struct NetworkArgs {
    /// Assert that `Cargo.lock` will remain unchanged
    #[arg(long)]
    locked: bool,
    /// Run without accessing the network
    #[arg(long)]
    offline: bool,
    /// Equivalent to specifying both --locked and --offline
    #[arg(long)]
    frozen: bool,
}

/// What cargo says, and unstable flags.
#[derive(Debug, Clone, Default, Args)]
pub struct MessageArgs {
    /// Error format [possible values: human, short, json, json-diagnostic-short, json-diagnostic-rendered-ansi,
    /// json-render-diagnostics]
    #[arg(long, value_name = "FMT")]
    pub message_format: Vec<String>,
    /// Unstable (nightly-only) flags to Cargo, see 'cargo -Z help' for details
    #[arg(short = 'Z', value_name = "FLAG")]
    pub unstable: Vec<String>,
}

/// What cargo has no need of.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Cloud Options")]
pub struct CloudArgs {
    /// Set a variable of the build's environment; without a value, to what it is here
    #[arg(long, value_name = "KEY[=VALUE]")]
    pub env: Vec<String>,
    /// Android's API level; else the manifest's ([package.metadata.ndk] platform), else 24
    #[arg(long, value_name = "LEVEL")]
    pub platform: Option<u32>,
    /// Begin the build, print its id and leave; `cargo cloud attach` brings it back
    #[arg(long)]
    pub detach: bool,
    /// Send the last commit of the git repository along, for build scripts that ask git
    #[arg(long)]
    pub with_git: bool,
}

/// Names out of lists with commas and spaces, as cargo takes them.
pub fn split(list: &[String]) -> Vec<String> {
    let names = list.iter().flat_map(|names| names.split([',', ' ', '\t']));
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

impl PackageSelection {
    /// Into cargo's options.
    pub fn write(&self, options: &mut CargoOptions) {
        options.package.clone_from(&self.package);
        options.workspace = self.workspace;
        options.exclude.clone_from(&self.exclude);
    }
}

impl TargetSelection {
    /// Into cargo's options.
    pub fn write(&self, options: &mut CargoOptions) {
        (options.lib, options.bins, options.examples) = (self.lib, self.bins, self.examples);
        (options.tests, options.benches, options.all_targets) = (self.tests, self.benches, self.all_targets);
        options.bin.clone_from(&self.bin);
        options.example.clone_from(&self.example);
        options.test.clone_from(&self.test);
        options.bench.clone_from(&self.bench);
    }
}

impl FeatureSelection {
    /// Into cargo's options.
    pub fn write(&self, options: &mut CargoOptions) {
        options.features = split(&self.features);
        options.all_features = self.all_features;
        options.no_default_features = self.no_default_features;
    }
}

impl CompilationArgs {
    /// Into cargo's options; targets are left to the caller, who knows where defaults come from.
    pub fn write(&self, options: &mut CargoOptions) {
        options.profile.clone_from(&self.profile);
        options.jobs.clone_from(&self.jobs);
        options.timings = self.timings;
    }
}

impl ManifestArgs {
    /// Into cargo's options.
    pub fn write(&self, options: &mut CargoOptions) {
        options.ignore_rust_version = self.ignore_rust_version;
        let NetworkArgs { locked, offline, frozen } = self.network;
        (options.locked, options.offline, options.frozen) = (locked, offline, frozen);
    }
}

impl MessageArgs {
    /// Into cargo's options.
    pub fn write(&self, options: &mut CargoOptions) {
        // Cargo too takes them in any case.
        options.message_format = split(&self.message_format).iter().map(|format| format.to_ascii_lowercase()).collect();
        options.unstable.clone_from(&self.unstable);
    }
}

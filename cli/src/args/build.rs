//! The flags of `build`, and where the result goes.

use std::path::PathBuf;

use clap::Args;
use protocol::{CargoOptions, Command};

use super::flags::{
    CloudArgs, CompilationArgs, FeatureSelection, ManifestArgs, MessageArgs, PackageSelection, ProjectArgs,
    TargetSelection,
};
use super::{ArtifactDestination, BuildCommand};

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

    #[command(flatten)]
    packages: PackageSelection,
    #[command(flatten)]
    targets: TargetSelection,
    #[command(flatten)]
    features: FeatureSelection,
    /// Build in release mode, which is the default when installing
    #[arg(short, long, help_heading = "Compilation Options", conflicts_with = "profile")]
    pub release: bool,
    /// Do not abort the build as soon as there is an error
    #[arg(long, help_heading = "Compilation Options")]
    keep_going: bool,
    #[command(flatten)]
    compilation: CompilationArgs,
    /// Copy final artifacts to this directory (unstable)
    #[arg(long, value_name = "PATH", help_heading = "Compilation Options")]
    artifact_dir: Option<PathBuf>,
    /// Outputs a future incompatibility report at the end of the build
    #[arg(long)]
    future_incompat_report: bool,
    #[command(flatten)]
    messages: MessageArgs,
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    manifest: ManifestArgs,
    #[command(flatten)]
    cloud: CloudArgs,
}

impl BuildArgs {
    /// What it comes to. What is installed is built for release, as `cargo install` does, unless a profile is named.
    pub fn build_command(&self) -> BuildCommand {
        let mut options = CargoOptions {
            release: self.release || (!self.no_install && self.compilation.profile.is_none()),
            keep_going: self.keep_going,
            future_incompat_report: self.future_incompat_report,
            artifact_dir: self.artifact_dir.is_some(),
            ..CargoOptions::default()
        };
        self.packages.write(&mut options);
        self.targets.write(&mut options);
        self.features.write(&mut options);
        self.compilation.write(&mut options);
        self.messages.write(&mut options);
        self.manifest.write(&mut options);
        let delivery = if self.no_install {
            ArtifactDestination::TargetDir
        } else {
            ArtifactDestination::Install { root: self.root.clone(), force: self.force }
        };
        BuildCommand {
            targets: self.compilation.target.clone(),
            artifact_dir: self.artifact_dir.clone(),
            delivery,
            project: self.project.clone(),
            cloud: self.cloud.clone(),
            ..BuildCommand::new(Command::Build, options)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn installing_builds_release_unless_a_profile_is_named() {
        let install = BuildArgs {
            features: FeatureSelection { features: vec!["a,b c".to_owned()], ..FeatureSelection::default() },
            ..BuildArgs::default()
        };
        let install = install.build_command();
        assert!(install.options.release && matches!(install.delivery, ArtifactDestination::Install { .. }));
        assert_eq!(install.options.features, ["a", "b", "c"]);
        let compilation = CompilationArgs { profile: Some("dev".to_owned()), ..CompilationArgs::default() };
        let dev = BuildArgs { compilation, ..BuildArgs::default() }.build_command();
        assert!(!dev.options.release && dev.options.profile.as_deref() == Some("dev"));
        let left = BuildArgs { no_install: true, ..BuildArgs::default() }.build_command();
        assert!(!left.options.release && matches!(left.delivery, ArtifactDestination::TargetDir));
    }
}

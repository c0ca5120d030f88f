//! The flags of `build`, and where the result goes.

use std::path::PathBuf;

use clap::Args;
use protocol::Command;

use super::compile::CompileArgs;
use super::{ArtifactDestination, BuildCommand};

/// The flags of `cargo cloud build`: cargo's, and those of installing.
#[derive(Debug, Clone, Args)]
#[command(mut_arg("release", |arg| arg.help("Build in release mode, the default when installing")))]
pub struct BuildArgs {
    /// Leave programs in the target directory, as cargo build does
    #[arg(long, help_heading = "Installation")]
    no_install: bool,
    /// Install into DIR/bin instead of cargo's folder
    #[arg(long, value_name = "DIR", help_heading = "Installation", conflicts_with = "no_install")]
    root: Option<PathBuf>,
    /// Overwrite programs that another package installed
    #[arg(short, long, help_heading = "Installation", conflicts_with = "no_install")]
    force: bool,
    #[command(flatten)]
    compile: CompileArgs,
    /// Copy final artifacts to this directory (unstable)
    #[arg(long, value_name = "PATH", help_heading = "Compilation Options")]
    artifact_dir: Option<PathBuf>,
    /// Outputs a future incompatibility report at the end of the build
    #[arg(long)]
    future_incompat_report: bool,
}

impl BuildArgs {
    /// The build that the flags ask for. What is installed is built for release, as `cargo install` does, unless a
    /// profile is named.
    pub fn build_command(&self) -> BuildCommand {
        let mut build = self.compile.build_command(Command::Build);
        build.options.release |= !self.no_install && build.options.profile.is_none();
        build.options.future_incompat_report = self.future_incompat_report;
        build.options.artifact_dir = self.artifact_dir.is_some();
        build.artifact_dir.clone_from(&self.artifact_dir);
        if !self.no_install {
            build.delivery = ArtifactDestination::Install { root: self.root.clone(), force: self.force };
        }
        build
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::parse_words;

    fn build(line: &str) -> BuildCommand {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        parse_words(&words).unwrap().cli.verb.build_command().unwrap().unwrap()
    }

    #[test]
    fn installing_builds_release_unless_a_profile_is_named() {
        let install = build("build -F a,b -F c");
        assert!(install.options.release && matches!(install.delivery, ArtifactDestination::Install { .. }));
        assert_eq!(install.options.features, ["a", "b", "c"]);
        let dev = build("build --profile dev");
        assert!(!dev.options.release && dev.options.profile.as_deref() == Some("dev"));
        let left = build("build --no-install");
        assert!(!left.options.release && matches!(left.delivery, ArtifactDestination::TargetDir));
        assert!(build("build --no-install -r").options.release);
    }
}

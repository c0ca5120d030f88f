//! The flags of `check` and `clippy`.

use clap::Args;
use protocol::{CargoOptions, Command};

use super::BuildCommand;
use super::flags::{
    CloudArgs, CompilationArgs, FeatureSelection, ManifestArgs, MessageArgs, PackageSelection, ProjectArgs,
    TargetSelection,
};

/// Options of `check`.
#[derive(Debug, Clone, Default, Args)]
pub struct CheckArgs {
    #[command(flatten)]
    packages: PackageSelection,
    #[command(flatten)]
    targets: TargetSelection,
    #[command(flatten)]
    features: FeatureSelection,
    /// Check artifacts in release mode, with optimizations
    #[arg(short, long, help_heading = "Compilation Options", conflicts_with = "profile")]
    release: bool,
    /// Do not abort the build as soon as there is an error
    #[arg(long, help_heading = "Compilation Options")]
    keep_going: bool,
    #[command(flatten)]
    compilation: CompilationArgs,
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

/// Options of `clippy`.
#[derive(Debug, Clone, Default, Args)]
pub struct ClippyArgs {
    #[command(flatten)]
    check: CheckArgs,
    /// Run Clippy only on the given crate, without linting the dependencies
    #[arg(long)]
    no_deps: bool,
    /// Not offered: the source stays as it is on this device
    #[arg(long, hide = true)]
    fix: bool,
    /// Lint levels for Clippy (`-D warnings`)
    #[arg(last = true, value_name = "ARGS", num_args = 0..)]
    args: Vec<String>,
}

impl CheckArgs {
    /// What it comes to.
    pub fn build_command(&self) -> BuildCommand {
        let mut options = CargoOptions {
            release: self.release,
            keep_going: self.keep_going,
            future_incompat_report: self.future_incompat_report,
            ..CargoOptions::default()
        };
        self.packages.write(&mut options);
        self.targets.write(&mut options);
        self.features.write(&mut options);
        self.compilation.write(&mut options);
        self.messages.write(&mut options);
        self.manifest.write(&mut options);
        BuildCommand {
            targets: self.compilation.target.clone(),
            project: self.project.clone(),
            cloud: self.cloud.clone(),
            ..BuildCommand::new(Command::Check, options)
        }
    }
}

impl ClippyArgs {
    /// What it comes to.
    ///
    /// # Errors
    /// For `--fix`, which would change the source on the builder.
    pub fn build_command(&self) -> anyhow::Result<BuildCommand> {
        if self.fix {
            anyhow::bail!(
                "`--fix` would change the builder's copy of the source, not yours; run `cargo cloud clippy` and apply what \
                 it suggests"
            );
        }
        let mut asked =
            BuildCommand { command: Command::Clippy, args: self.args.clone(), ..self.check.build_command() };
        asked.options.no_deps = self.no_deps;
        Ok(asked)
    }
}

//! The flags of `run`.

use clap::Args;
use protocol::{CargoOptions, Command};

use super::BuildCommand;
use super::flags::{CloudArgs, CompilationArgs, FeatureSelection, ManifestArgs, MessageArgs, ProjectArgs};

/// Options of `run`.
#[derive(Debug, Clone, Default, Args)]
pub struct RunArgs {
    /// Arguments for the binary or example to run
    #[arg(value_name = "ARGS", trailing_var_arg = true)]
    args: Vec<String>,
    /// Package with the target to run
    #[arg(short, long, value_name = "SPEC", num_args = 0..=1, default_missing_value = "", help_heading = "Package Selection")]
    package: Option<String>,
    /// Name of the bin target to run
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "", help_heading = "Target Selection")]
    bin: Vec<String>,
    /// Name of the example target to run
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "", help_heading = "Target Selection")]
    example: Vec<String>,
    #[command(flatten)]
    features: FeatureSelection,
    /// Build artifacts in release mode, with optimizations
    #[arg(short, long, help_heading = "Compilation Options", conflicts_with = "profile")]
    release: bool,
    /// Do not abort the build as soon as there is an error
    #[arg(long, help_heading = "Compilation Options")]
    keep_going: bool,
    #[command(flatten)]
    compilation: CompilationArgs,
    #[command(flatten)]
    messages: MessageArgs,
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    manifest: ManifestArgs,
    #[command(flatten)]
    cloud: CloudArgs,
}

impl RunArgs {
    /// What it comes to.
    pub fn build_command(&self) -> BuildCommand {
        let mut options = CargoOptions {
            package: self.package.iter().cloned().collect(),
            bin: self.bin.clone(),
            example: self.example.clone(),
            release: self.release,
            keep_going: self.keep_going,
            ..CargoOptions::default()
        };
        self.features.write(&mut options);
        self.compilation.write(&mut options);
        self.messages.write(&mut options);
        self.manifest.write(&mut options);
        BuildCommand {
            targets: self.compilation.target.clone(),
            args: self.args.clone(),
            project: self.project.clone(),
            cloud: self.cloud.clone(),
            ..BuildCommand::new(Command::Run, options)
        }
    }
}

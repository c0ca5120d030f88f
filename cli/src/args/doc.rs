//! The flags of `doc`.

use clap::Args;
use protocol::{CargoOptions, Command};

use super::BuildCommand;
use super::flags::{
    CloudArgs, CompilationArgs, FeatureSelection, ManifestArgs, MessageArgs, PackageSelection, ProjectArgs,
};

/// Options of `doc`.
#[derive(Debug, Clone, Default, Args)]
pub struct DocArgs {
    /// Opens the docs in a browser after the operation
    #[arg(long)]
    open: bool,
    /// Don't build documentation for dependencies
    #[arg(long)]
    no_deps: bool,
    /// Document private items
    #[arg(long)]
    document_private_items: bool,
    #[command(flatten)]
    packages: PackageSelection,
    #[command(flatten)]
    features: FeatureSelection,
    /// Document only this package's library
    #[arg(long, help_heading = "Target Selection")]
    lib: bool,
    /// Document all binaries
    #[arg(long, help_heading = "Target Selection")]
    bins: bool,
    /// Document only the specified binary
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "", help_heading = "Target Selection")]
    bin: Vec<String>,
    /// Document all examples
    #[arg(long, help_heading = "Target Selection")]
    examples: bool,
    /// Document only the specified example
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "", help_heading = "Target Selection")]
    example: Vec<String>,
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

impl DocArgs {
    /// What it comes to.
    pub fn build_command(&self) -> BuildCommand {
        let mut options = CargoOptions {
            no_deps: self.no_deps,
            document_private_items: self.document_private_items,
            lib: self.lib,
            bins: self.bins,
            bin: self.bin.clone(),
            examples: self.examples,
            example: self.example.clone(),
            release: self.release,
            keep_going: self.keep_going,
            ..CargoOptions::default()
        };
        self.packages.write(&mut options);
        self.features.write(&mut options);
        self.compilation.write(&mut options);
        self.messages.write(&mut options);
        self.manifest.write(&mut options);
        BuildCommand {
            targets: self.compilation.target.clone(),
            open: self.open,
            project: self.project.clone(),
            cloud: self.cloud.clone(),
            ..BuildCommand::new(Command::Doc, options)
        }
    }
}

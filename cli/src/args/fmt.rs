//! The flags of `fmt`, which only checks.

use std::path::PathBuf;

use clap::Args;
use protocol::{CargoOptions, Command};

use super::BuildCommand;
use super::flag_groups::{CloudArgs, ProjectArgs};

/// The flags of `cargo cloud fmt`, which are those of `cargo fmt`.
#[derive(Debug, Clone, Args)]
pub struct FmtArgs {
    /// Print what rustfmt would change (required: the source stays as it is)
    #[arg(long)]
    check: bool,
    /// Format all packages, and also their local path-based dependencies
    #[arg(long)]
    all: bool,
    #[arg(help = "Specify package to format", short, long, value_name = "SPEC")]
    package: Vec<String>,
    #[arg(help = "Specify message-format: short|json|human", long, value_name = "MESSAGE_FORMAT")]
    message_format: Option<String>,
    #[arg(help = "Specify path to Cargo.toml", long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
    #[command(flatten)]
    cloud: CloudArgs,
    #[arg(help = "Options for rustfmt", last = true, value_name = "ARGS", num_args = 0..)]
    args: Vec<String>,
}

impl FmtArgs {
    /// The check that the flags ask for.
    ///
    /// # Errors
    /// Without `--check`, which would change the source on the builder.
    pub fn build_command(&self) -> anyhow::Result<BuildCommand> {
        if !self.check && !self.args.iter().any(|arg| arg == "--check") {
            anyhow::bail!(
                "without `--check` rustfmt would change the builder's copy of the source, not yours; type \
                 `cargo cloud fmt --check` to see what it would change"
            );
        }
        let options = CargoOptions {
            workspace: self.all,
            package: self.package.clone(),
            message_format: self.message_format.iter().cloned().collect(),
            ..CargoOptions::default()
        };
        let project = ProjectArgs { manifest_path: self.manifest_path.clone(), target_dir: None };
        let args = self.args.iter().filter(|arg| *arg != "--check").cloned().collect();
        Ok(BuildCommand { args, project, cloud: self.cloud.clone(), ..BuildCommand::new(Command::Fmt, options) })
    }
}

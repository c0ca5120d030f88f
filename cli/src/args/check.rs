//! The flags of `check` and `clippy`.

use clap::Args;
use protocol::Command;

use super::BuildCommand;
use super::compile::CompileArgs;

/// The flags of `cargo cloud check`, which are cargo's.
#[derive(Debug, Clone, Args)]
#[command(
    mut_arg("release", |arg| arg.help("Check artifacts in release mode, with optimizations")),
    mut_arg("profile", |arg| arg.help("Check artifacts with the specified profile")),
)]
pub struct CheckArgs {
    #[command(flatten)]
    compile: CompileArgs,
    /// Outputs a future incompatibility report at the end of the build
    #[arg(long)]
    future_incompat_report: bool,
}

/// The flags of `cargo cloud clippy`: those of `check`, and clippy's own.
#[derive(Debug, Clone, Args)]
pub struct ClippyArgs {
    #[command(flatten)]
    check: CheckArgs,
    /// Run Clippy only on the given crate, without linting the dependencies
    #[arg(long)]
    no_deps: bool,
    /// Not supported: the source stays as it is on this device
    #[arg(long, hide = true)]
    fix: bool,
    /// Lint levels for Clippy (`-D warnings`)
    #[arg(last = true, value_name = "ARGS", num_args = 0..)]
    args: Vec<String>,
}

impl CheckArgs {
    /// The check that the flags ask for.
    pub fn build_command(&self) -> BuildCommand {
        let mut check = self.compile.build_command(Command::Check);
        check.options.future_incompat_report = self.future_incompat_report;
        check
    }
}

impl ClippyArgs {
    /// The check that the flags ask for.
    ///
    /// # Errors
    /// For `--fix`, which would change the source on the builder.
    pub fn build_command(&self) -> anyhow::Result<BuildCommand> {
        if self.fix {
            anyhow::bail!(
                "`--fix` would change the builder's copy of the source, not yours; run `cargo cloud clippy` and make the \
                 changes that it suggests"
            );
        }
        let mut clippy =
            BuildCommand { command: Command::Clippy, args: self.args.clone(), ..self.check.build_command() };
        clippy.options.no_deps = self.no_deps;
        Ok(clippy)
    }
}

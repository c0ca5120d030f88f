//! The flags of `run`, which are cargo's.

use clap::Args;
use protocol::Command;

use super::BuildCommand;
use super::compile::CompileArgs;
use super::selection::ProgramSelection;

/// The flags of `cargo cloud run`, which are cargo's.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// Arguments for the binary or example to run
    #[arg(value_name = "ARGS", trailing_var_arg = true)]
    args: Vec<String>,
    #[command(flatten)]
    compile: CompileArgs<ProgramSelection>,
}

impl RunArgs {
    /// The program that the flags ask for, and its arguments.
    pub fn build_command(&self) -> BuildCommand {
        BuildCommand { args: self.args.clone(), ..self.compile.build_command(Command::Run) }
    }
}

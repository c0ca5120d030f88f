//! The flags of `doc`, which are cargo's.

use clap::Args;
use protocol::Command;

use super::BuildCommand;
use super::compile::CompileArgs;
use super::selection::DocSelection;

/// The flags of `cargo cloud doc`, which are cargo's.
#[derive(Debug, Clone, Args)]
pub struct DocArgs {
    /// Opens the docs in a browser after the operation
    #[arg(long)]
    open: bool,
    /// Don't build documentation for dependencies
    #[arg(long)]
    no_deps: bool,
    #[arg(help = "Document private items", long)]
    document_private_items: bool,
    #[command(flatten)]
    compile: CompileArgs<DocSelection>,
}

impl DocArgs {
    /// The documentation that the flags ask for.
    pub fn build_command(&self) -> BuildCommand {
        let mut doc = self.compile.build_command(Command::Doc);
        doc.options.no_deps = self.no_deps;
        doc.options.document_private_items = self.document_private_items;
        doc.open = self.open;
        doc
    }
}

//! The flags of `clean`.

use clap::Args;

use super::flags::ProjectArgs;

/// Options of `clean`.
#[derive(Debug, Args)]
#[command(
    after_help = "What goes is the backend's: the target directory and the copy of the source that it keeps, so that the
next build begins from nothing. The target directory on this device and what is installed stay as
they are."
)]
pub struct CleanArgs {
    /// Of all projects of all devices of the backend's owner, and of all crates that were installed
    #[arg(long)]
    pub all: bool,
    /// Which project.
    #[command(flatten)]
    pub project: ProjectArgs,
}

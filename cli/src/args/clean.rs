//! The flags of `clean`, which works on the backend.

use clap::Args;

use super::flag_groups::ProjectArgs;

/// The flags of `cargo cloud clean`: one project, or all of them.
#[derive(Debug, Args)]
#[command(
    after_help = "This removes the target directory and the copy of the source that the backend keeps, so that the next
build starts from nothing. The target directory on this device and installed programs stay."
)]
pub struct CleanArgs {
    /// Clean every project and installed crate, of all devices
    #[arg(long)]
    pub all: bool,
    /// The flags that choose the project.
    #[command(flatten)]
    pub project: ProjectArgs,
}

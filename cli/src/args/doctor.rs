//! The flags of `doctor`.

use clap::Args;

/// Options of `doctor`.
#[derive(Debug, Args)]
#[command(after_help = "Exit code: 0 when a build would work, 1 when something is in its way.")]
pub struct DoctorArgs {
    /// Print one JSON object instead of lines
    #[arg(long)]
    pub json: bool,
    /// Leave the trial build away
    #[arg(long)]
    pub no_build: bool,
}

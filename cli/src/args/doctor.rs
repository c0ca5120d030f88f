//! The flags of `doctor`, which checks the setup.

use clap::Args;

/// The flags of `cargo cloud doctor`: how much to check, and the output format.
#[derive(Debug, Args)]
#[command(
    after_help = "The exit code is 0 when a build would work, and 1 when something prevents it. A report contains no keys."
)]
pub struct DoctorArgs {
    /// Print the findings as one JSON object
    #[arg(long)]
    pub json: bool,
    /// Leave out the trial build
    #[arg(long)]
    pub no_build: bool,
}

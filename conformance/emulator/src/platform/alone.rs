//! `aws-emulator account`: an empty account by itself, for whoever deploys to it.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::json;

use super::account::{Account, script};
use super::python;

/// What `account` is told.
#[derive(Args)]
pub struct AccountOptions {
    /// A file of calls to refuse, looked at before each (conformance/moto/refusals.py)
    #[arg(long, value_name = "FILE")]
    refusals: PathBuf,
}

/// Prints a line of JSON with the variables by which AWS's tools find the account, and how to ask it for more; serves it
/// until standard input is closed.
pub async fn run(options: AccountOptions) -> Result<ExitCode> {
    let python = python::environment().await?;
    let account = Account::start(&python, Some(&options.refusals)).await?;
    let environment: serde_json::Map<_, _> =
        account.environment().into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    println!("{}", json!({ "environment": environment, "ask": [python, script("account.py")] }));
    let end = tokio::task::spawn_blocking(|| io::copy(&mut io::stdin(), &mut io::sink()));
    end.await.context("nobody waits for the end")?.context("standard input can't be read")?;
    Ok(ExitCode::SUCCESS)
}

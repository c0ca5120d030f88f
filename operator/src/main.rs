//! `operator`: the calls to AWS's API for deploying and operating cargo-cloud, so that `make deploy` needs neither the AWS
//! CLI nor Rust. The scripts in scripts/deploy run it in a container and give it Terraform's outputs (`terraform output
//! -json`) as standard input. Standard output is for the scripts, standard error for the person.

mod account;
mod aws;
mod deployment;
mod devices;
mod emptying;
mod explain;
mod keys;
mod logs;
mod qr;
mod registry;
mod status;
mod usage;

use std::io::Read;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

use deployment::Deployment;

#[derive(Parser)]
#[command(about = "Calls AWS's API to deploy and operate cargo-cloud")]
struct OperatorArguments {
    #[command(subcommand)]
    command: OperatorCommand,
}

#[derive(Subcommand)]
enum OperatorCommand {
    /// Print the account, region and identity of the credentials; fail if they can't be used to deploy
    Account {
        /// Fail if the account has a deployment of this name already
        #[arg(long, value_name = "DEPLOYMENT")]
        new: Option<String>,
    },
    /// Print the password for `docker login --username AWS`
    Login,
    /// Print the value of Terraform's variable `devices`, with one device added or removed
    Devices {
        #[arg(long, value_name = "NAME", conflicts_with = "remove")]
        add: Option<String>,
        #[arg(long, value_name = "OWNER", default_value = "me")]
        owner: String,
        #[arg(long, value_name = "NAME")]
        remove: Option<String>,
    },
    /// Make a key for a device, delete its earlier keys, and print the line to paste
    Key {
        #[arg(long, value_name = "NAME")]
        device: String,
        /// Also print the line as a QR code, if it fits into this many columns
        #[arg(long, value_name = "COLUMNS")]
        qr: Option<usize>,
    },
    /// Delete all keys of a device
    Revoke {
        #[arg(long, value_name = "NAME")]
        device: String,
    },
    /// Print the running builds, one a line
    Running,
    /// Prevent new builds, cancel the running ones, and wait until they have ended
    Stop {
        /// How many seconds to wait for running builds
        #[arg(long, default_value_t = 60)]
        wait: u64,
    },
    /// Delete everything in the buckets, including versions and unfinished uploads
    Empty,
    /// Print the state of a deployment
    Status,
    /// Print the logs of the functions
    Logs {
        /// Print only the log of this function: compile, relay, connect or disconnect
        #[arg(long)]
        function: Option<String>,
        /// How far back to start: 90s, 15m, 2h, 1d
        #[arg(long, default_value = "1h", value_parser = logs::period)]
        since: Duration,
        /// Keep printing new lines as they arrive
        #[arg(long)]
        follow: bool,
    },
    /// Explain the errors in Terraform's output; print the memory limit in MB if the account has one
    Explain,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(OperatorArguments::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: OperatorCommand) -> Result<()> {
    match command {
        OperatorCommand::Account { new } => account::check(new.as_deref()).await,
        OperatorCommand::Login => registry::login().await,
        OperatorCommand::Devices { add, owner, remove } => {
            let devices = devices::changed(&deployment()?, add.as_deref(), &owner, remove.as_deref())?;
            println!("{devices}");
            Ok(())
        }
        OperatorCommand::Key { device, qr } => keys::issue(&deployment()?, &device, qr).await,
        OperatorCommand::Revoke { device } => keys::revoke(&deployment()?, &device).await,
        OperatorCommand::Running => {
            for build in usage::running(&deployment()?).await? {
                println!("{build}");
            }
            Ok(())
        }
        OperatorCommand::Stop { wait } => emptying::stop(&deployment()?, Duration::from_secs(wait)).await,
        OperatorCommand::Empty => emptying::empty(&deployment()?).await,
        OperatorCommand::Status => status::print(&deployment()?).await,
        OperatorCommand::Logs { function, since, follow } => {
            logs::print(&deployment()?, function.as_deref(), since, follow).await
        }
        OperatorCommand::Explain => {
            let found = explain::explain(&standard_input()?);
            found.texts.iter().for_each(|text| eprintln!("\n{text}"));
            if let Some(cap) = found.memory_cap {
                println!("{cap}");
            }
            Ok(())
        }
    }
}

fn deployment() -> Result<Deployment> {
    Deployment::from_outputs(&standard_input()?)
}

fn standard_input() -> Result<String> {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).context("standard input can't be read")?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

//! `operator`: what deploying and running cargo-cloud asks of AWS's API, so that neither the AWS CLI nor Rust is needed
//! where `make deploy` is typed. The scripts in scripts/deploy run it in a container and give it Terraform's outputs
//! (`terraform output -json`) as standard input. What it prints on standard output is an answer, on standard error text
//! for the person.

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
#[command(about = "What deploying and running cargo-cloud asks of AWS's API")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Prints account, region and identity of the credentials; refuses what can't be deployed with
    Account {
        /// Refuse if the account has a deployment of this name already
        #[arg(long, value_name = "DEPLOYMENT")]
        new: Option<String>,
    },
    /// Prints the password for `docker login --username AWS`
    Login,
    /// Prints Terraform's variable `devices`: those there are, with one more or one less
    Devices {
        #[arg(long, value_name = "NAME", conflicts_with = "remove")]
        add: Option<String>,
        #[arg(long, value_name = "OWNER", default_value = "me")]
        owner: String,
        #[arg(long, value_name = "NAME")]
        remove: Option<String>,
    },
    /// Makes a device's key, takes back its former ones, and prints the line to paste
    Key {
        #[arg(long, value_name = "NAME")]
        device: String,
        /// Also as a QR code, if it fits into so many columns
        #[arg(long, value_name = "COLUMNS")]
        qr: Option<usize>,
    },
    /// Takes back all keys of a device
    Revoke {
        #[arg(long, value_name = "NAME")]
        device: String,
    },
    /// Prints the builds that run, one a line
    Running,
    /// Lets no build begin any more, cancels those that run, and waits for them
    Stop {
        /// Seconds to wait
        #[arg(long, default_value_t = 60)]
        wait: u64,
    },
    /// Deletes everything in the buckets: versions and unfinished uploads, too
    Empty,
    /// Prints how a deployment is
    Status,
    /// Prints what the functions have logged
    Logs {
        /// Of one function: compile, relay, connect, disconnect
        #[arg(long)]
        function: Option<String>,
        /// How far back: 90s, 15m, 2h, 1d
        #[arg(long, default_value = "1h", value_parser = logs::period)]
        since: Duration,
        /// Go on with what comes
        #[arg(long)]
        follow: bool,
    },
    /// Reads Terraform's output and says what an error in it means. Prints a number of MB when the account is capped
    Explain,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<()> {
    match command {
        Command::Account { new } => account::check(new.as_deref()).await,
        Command::Login => registry::login().await,
        Command::Devices { add, owner, remove } => {
            let devices = devices::changed(&deployment()?, add.as_deref(), &owner, remove.as_deref())?;
            println!("{devices}");
            Ok(())
        }
        Command::Key { device, qr } => keys::issue(&deployment()?, &device, qr).await,
        Command::Revoke { device } => keys::revoke(&deployment()?, &device).await,
        Command::Running => {
            for build in usage::running(&deployment()?).await? {
                println!("{build}");
            }
            Ok(())
        }
        Command::Stop { wait } => emptying::stop(&deployment()?, Duration::from_secs(wait)).await,
        Command::Empty => emptying::empty(&deployment()?).await,
        Command::Status => status::print(&deployment()?).await,
        Command::Logs { function, since, follow } => {
            logs::print(&deployment()?, function.as_deref(), since, follow).await
        }
        Command::Explain => {
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

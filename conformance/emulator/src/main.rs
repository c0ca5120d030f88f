//! `aws-emulator`: the conformance suite's AWS. `platform` applies the project's Terraform configuration to moto and
//! runs the suite against it; `serve` is the AWS of one scenario; `account` is an empty account to deploy to.

mod platform;
mod platform_file;
mod serve;

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

#[derive(Parser)]
#[command(about = "AWS, as far as the platform of cargo-cloud needs it, for the conformance suite")]
struct EmulatorArguments {
    #[command(subcommand)]
    command: EmulatorCommand,
}

#[derive(Subcommand)]
enum EmulatorCommand {
    /// Apply terraform/ to an emulated account, run a command against it, and check what is left
    Platform(platform::PlatformOptions),
    /// Serve an empty account until standard input is closed
    Account(platform::AccountOptions),
    /// Serve one emulated account: a copy of what `platform` applied
    Serve(serve::ServeOptions),
}

fn main() -> ExitCode {
    let arguments = EmulatorArguments::parse();
    log_to_stderr();
    match run(arguments.command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: EmulatorCommand) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no runtime")?;
    let code = match command {
        EmulatorCommand::Platform(options) => runtime.block_on(platform::run(options)),
        EmulatorCommand::Account(options) => runtime.block_on(platform::account(options)),
        EmulatorCommand::Serve(options) => runtime.block_on(serve::run(options)),
    };
    runtime.shutdown_background();
    code
}

fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    let colours = io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(colours).init();
}

//! `aws-emulator serve`: one emulated account, for one scenario.

#![expect(clippy::result_large_err, reason = "a refusal is an answer as large as any other")]

mod account;
mod applied;
mod call;
mod client_config;
mod control;
mod delivery;
mod dynamodb;
mod emulator;
mod events;
mod faults;
mod front;
mod functions;
mod http;
pub mod iam;
mod ids;
mod keys;
mod lambda_api;
mod moto;
mod power;
mod problems;
mod recorder;
mod s3;
mod socket;
mod timestamp;

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::platform_file::PlatformFile;
use account::EmulatedAccount;
use emulator::{Addresses, Emulator};
use functions::{ImageVariable, RunnerSettings};
use moto::Moto;

/// Invocations of each small function at once: the limit that a new account has for all of them together.
const SMALL_JOBS: usize = 10;

/// The options of `aws-emulator serve`.
#[derive(Args)]
pub struct ServeOptions {
    /// The folder `aws-emulator platform` works in: what was applied is described in its platform.json
    #[arg(long, value_name = "DIR")]
    platform: PathBuf,
    /// Where this scenario's files go: client configurations, the functions' logs
    #[arg(long, value_name = "FOLDER")]
    folder: PathBuf,
    /// How many invocations of `compile` run at once
    #[arg(long, value_name = "N", default_value_t = 2)]
    jobs: usize,
    /// Ends every invocation of `compile` after this time, unless its own time-out is shorter
    #[arg(long, value_name = "DURATION")]
    attempt_limit: Option<humantime::Duration>,
    /// The size of the /tmp of `compile` in bytes; unbounded when not given
    #[arg(long, value_name = "BYTES")]
    tmp_size: Option<u64>,
    /// A variable of a function's image, `compile:NAME=VALUE`. If VALUE is a path of this machine, the image shows that
    /// path under another name, which becomes the value; everyone has to be able to read it
    #[arg(long, value_name = "FUNCTION:NAME=VALUE", value_parser = parse_variable)]
    env: Vec<ImageVariable>,
}

fn parse_variable(text: &str) -> Result<ImageVariable, &'static str> {
    let parts = text.split_once(':').and_then(|(function, rest)| Some((function, rest.split_once('=')?)));
    match parts {
        Some((function, (name, value))) if !function.is_empty() && !name.is_empty() => {
            let (function, name, value) = (function.to_owned(), name.to_owned(), value.to_owned());
            Ok(ImageVariable { function, name, value })
        }
        _ => Err("write FUNCTION:NAME=VALUE, for example compile:ANDROID_NDK_HOME=/opt/ndk"),
    }
}

/// Serves until it is interrupted.
pub async fn run(options: ServeOptions) -> Result<ExitCode> {
    let mut interrupt = signal(SignalKind::interrupt()).context("no signals")?;
    let mut terminate = signal(SignalKind::terminate()).context("no signals")?;
    functions::check_sandboxes().await?;
    let folder = options.folder;
    std::fs::create_dir_all(&folder).with_context(|| format!("{} can't be made", folder.display()))?;
    let folder = folder.canonicalize().with_context(|| format!("{} can't be found", folder.display()))?;
    let platform = PlatformFile::read(&options.platform)?;
    let moto = Moto::fork(platform.control, &platform.region).await?;
    let settings = RunnerSettings {
        jobs: options.jobs,
        small_jobs: SMALL_JOBS,
        attempt_limit: options.attempt_limit.map(Into::into),
        tmp_size: options.tmp_size,
        variables: options.env,
        programs: platform.functions.clone(),
        folder: folder.clone(),
    };

    let (listener, address) = listen().await?;
    let (plain, plain_address) = listen().await?;
    let calls = options.platform.join("calls");
    let addresses = Addresses { address, plain: plain_address };
    let emulator = Emulator::new(platform, moto, &calls, addresses, settings).await?;
    let account = &emulator.account;
    write_grants(account, &options.platform)?;
    client_config::write_all(&account.platform, address, &folder)?;
    let servers = [
        tokio::spawn(front::serve(emulator.front.clone(), listener, false)),
        tokio::spawn(front::serve(emulator.front.clone(), plain, true)),
    ];
    greet(address, plain_address, account.moto.port());

    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    for server in servers {
        server.abort();
    }
    // Without power no waiting invocation starts any more.
    emulator.power.switch(false);
    emulator.functions.end_all().await;
    let problems = account.problems.all();
    for problem in &problems {
        eprintln!("error: {problem}");
    }
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn listen() -> Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("no port to listen on")?;
    let address = listener.local_addr().context("the address is unknown")?;
    Ok((listener, address))
}

/// Prints the addresses. Scenarios read the first line. `plain`: the address for requests that count as sent without TLS.
fn greet(address: SocketAddr, plain: SocketAddr, moto: u16) {
    let text = format!("listening on http://{address}\nwithout TLS on {plain}\nmoto on port {moto}\n");
    let mut out = std::io::stdout().lock();
    // The reader of the first line may have closed the pipe.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Writes all grants for the driver, which looks for those that were never used. All scenarios write the same file.
fn write_grants(account: &EmulatedAccount, folder: &std::path::Path) -> Result<()> {
    let path = folder.join("grants.json");
    if path.exists() {
        return Ok(());
    }
    let text = serde_json::to_vec_pretty(&account.applied().policies.grants()).context("the grants have no JSON")?;
    let own = folder.join(format!("grants.{}.tmp", std::process::id()));
    std::fs::write(&own, text).with_context(|| format!("{} can't be written", own.display()))?;
    std::fs::rename(&own, &path).with_context(|| format!("{} can't be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_names_its_function() {
        let of = |text: &str| parse_variable(text);
        let variable = ImageVariable { function: "compile".into(), name: "A".into(), value: "b=c:d".into() };
        assert_eq!(of("compile:A=b=c:d"), Ok(variable));
        assert!(of("A=b").is_err() && of("compile:A").is_err() && of(":A=b").is_err());
    }
}

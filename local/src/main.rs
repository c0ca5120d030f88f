//! The program `cargo-cloud-local`: the embedded backend in the foreground, or installed as a service.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, Result};
use cargo_cloud_local::{
    BackendCommand, CommandLine, ConfiguredClient, LocalBackend, Options, Setup, install_service, reachable,
    setup_android,
};
use clap::Parser;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    // This must run before any thread starts: the supervisor of a build is this program, started again.
    builder::supervisor_main_if_asked();
    builder::harden_process();
    let cli = CommandLine::parse();
    log_to_stderr();
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn log_to_stderr() {
    // `s3s` logs every refused request as an error, so its messages are off by default.
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,s3s=off"));
    let colours = io::IsTerminal::is_terminal(&io::stderr());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(colours).init();
}

fn run(cli: &CommandLine) -> Result<()> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("could not start the runtime")?;
    let result = match &cli.command {
        Some(BackendCommand::InstallService(wanted)) => runtime.block_on(install_service(wanted)),
        Some(BackendCommand::Setup(Setup::Android(wanted))) => setup_android(wanted),
        None => runtime.block_on(serve(&cli.options)),
    };
    // This doesn't wait for threads that are blocked by the disk.
    runtime.shutdown_background();
    result
}

async fn serve(options: &Options) -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt()).context("could not listen for signals")?;
    let mut terminate = signal(SignalKind::terminate()).context("could not listen for signals")?;
    let backend = LocalBackend::start(options).await?;
    greet(&backend);
    asked_to_stop(&mut interrupt, &mut terminate).await;
    eprintln!("stopping; press Ctrl-C again to stop at once");
    tokio::select! {
        () = backend.stop() => {}
        () = asked_to_stop(&mut interrupt, &mut terminate) => {}
    }
    Ok(())
}

async fn asked_to_stop(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

/// Prints the address, the data folder and the clients. Programs that start the backend read the address from the first
/// line.
fn greet(backend: &LocalBackend) {
    let address = backend.address();
    let data = backend.data().root().display();
    let client = match backend.clients() {
        [] if backend.client_lines().is_empty() => {
            "no client is configured: start it with `--client-config ~/.config/cargo-cloud/config.toml`, or for another \
             device with `--client-line`"
                .to_owned()
        }
        [] => "clients: every device that gets the line below".to_owned(),
        clients => format!("clients: {}", clients.iter().map(describe).collect::<Vec<_>>().join(", ")),
    };
    let mut greeting = format!("listening on http://{address}\ndata in {data}\n{client}\n");
    for line in backend.client_lines() {
        greeting += &format!("\ntype on the device (the line holds its keys):\n\n    cargo-cloud configure {line}\n\n");
    }
    let mut out = io::stdout().lock();
    // Written in one piece, because a program that has read the first line may close the pipe.
    if let Err(error) = out.write_all(greeting.as_bytes()).and_then(|()| out.flush()) {
        tracing::debug!(%error, "the greeting could not be written");
    }
    if !address.ip().is_loopback() {
        eprintln!(
            "warning: this backend listens on the network, and HTTP is not encrypted: others on the network can read \
             sources and binaries. Start it with --listen 127.0.0.1:{port} instead, and open a tunnel on each device: \
             ssh -N -L {port}:127.0.0.1:{port} THIS-COMPUTER",
            port = address.port()
        );
        if address.ip().is_unspecified() {
            eprintln!("note: clients are configured with the address {}", reachable(address));
        }
    }
}

fn describe(client: &ConfiguredClient) -> String {
    let (file, owner) = (client.config.file.display(), &client.config.owner);
    match client.chosen.as_str() {
        "local" => format!("{file} ({owner})"),
        other => format!("{file} ({owner}; it uses `{other}` unless told to use `--backend local`)"),
    }
}

//! The command line of `cargo-cloud-local`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use protocol::{InvalidName, Owner};

use crate::setup::AndroidOptions;

/// Builds Rust projects for cargo-cloud on this machine.
///
/// Starts the backend in the foreground; Ctrl-C stops it, with the builds that run.
#[derive(Debug, Clone, Parser)]
#[command(name = "cargo-cloud-local", version, args_conflicts_with_subcommands = true)]
pub struct CommandLine {
    /// How the backend is started when no subcommand is given.
    #[command(flatten)]
    pub options: Options,
    /// What to do instead of serving builds.
    #[command(subcommand)]
    pub command: Option<BackendCommand>,
}

/// What to do instead of serving builds.
#[derive(Debug, Clone, Subcommand)]
pub enum BackendCommand {
    /// Install the backend as a service that starts with this machine, with the options given here
    ///
    /// Installs a systemd user unit, or a launch agent on macOS; root is not needed. Run it again to replace the service.
    InstallService(Box<ServiceOptions>),

    /// Install what this machine needs to build for other kinds of devices
    #[command(subcommand)]
    Setup(Setup),
}

/// What can be set up.
#[derive(Debug, Clone, Subcommand)]
pub enum Setup {
    /// Install what builds for Android need: Rust's standard library for it, Google's NDK and cargo-ndk
    ///
    /// The NDK and cargo-ndk go into the backend's data folder, the standard library is added by rustup. A backend that runs
    /// needs no restart. Stopped at any moment, the same command goes on from there.
    #[command(after_help = "Examples:\n  cargo-cloud-local setup android --dry-run\n  cargo-cloud-local setup android")]
    Android(AndroidOptions),
}

/// Options of the subcommand `install-service`.
#[derive(Debug, Clone, Args)]
pub struct ServiceOptions {
    /// Stop and remove the service. The data stays
    #[arg(long)]
    pub uninstall: bool,

    /// Show what would be installed, without installing it
    #[arg(long, conflicts_with = "uninstall")]
    pub print: bool,

    /// How the backend is started.
    #[command(flatten)]
    pub options: Options,
}

/// How the backend is started.
#[derive(Debug, Clone, Parser)]
pub struct Options {
    /// Address and port to listen on. Port 0 takes a free port, which is printed. Traffic is not encrypted: keep 127.0.0.1,
    /// and connect other devices by a tunnel (`ssh -N -L 4100:127.0.0.1:4100 THIS-COMPUTER`).
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,

    /// Folder for all data [default: cargo-cloud in the platform's folder for data].
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,

    /// Write a complete client configuration to FILE, and keep the other entries in it. OWNER (default: me) is anyone who
    /// builds here; each owner sees only their own builds. Can be given several times.
    #[arg(long, value_name = "[OWNER=]FILE")]
    pub client_config: Vec<ClientConfig>,

    /// Print a line to paste after `cargo cloud configure` on a device. It holds the keys of OWNER [default: me], so show
    /// it to nobody else. Can be given several times.
    #[arg(long, value_name = "OWNER", num_args = 0..=1, default_missing_value = "me")]
    pub client_line: Vec<Owner>,

    /// Number of builds at the same time; others wait in a queue [default: a quarter of the cores, at least 1].
    #[arg(long, value_name = "N")]
    pub jobs: Option<std::num::NonZeroUsize>,

    /// Time limit for each attempt of a build ("10min"). A build gets at most 12 attempts, and each continues the last one.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub attempt_limit: Option<Duration>,

    /// Cargo configuration for all builds, for example with a mirror of the registry.
    #[arg(long, value_name = "FILE")]
    pub cargo_config: Option<PathBuf>,

    /// Linker for a target, if this machine has it under an unusual name. Can be given several times.
    #[arg(long, value_name = "TRIPLE=PROGRAM", value_parser = parse_linker)]
    pub linker: Vec<(String, PathBuf)>,
}

fn parse_linker(text: &str) -> Result<(String, PathBuf), &'static str> {
    match text.split_once('=') {
        Some((triple, program)) if !triple.is_empty() && !program.is_empty() => Ok((triple.to_owned(), program.into())),
        _ => Err("write TRIPLE=PROGRAM, for example aarch64-unknown-linux-gnu=/opt/cross/bin/gcc"),
    }
}

/// Where a client's configuration goes, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientConfig {
    /// The owner whose keys the file gets.
    pub owner: Owner,
    /// Path of the client configuration file.
    pub file: PathBuf,
}

impl FromStr for ClientConfig {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        // A path may hold `=` too: before it there is an owner only if there is no folder.
        match text.split_once('=').filter(|(owner, _)| !owner.contains('/')) {
            Some((owner, file)) => Ok(Self { owner: owner.parse()?, file: file.into() }),
            None => Ok(Self { owner: Owner::default(), file: text.into() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_configuration_may_name_its_owner() {
        let parse = |text: &str| text.parse::<ClientConfig>();
        let of = |owner: &str, file: &str| Ok(ClientConfig { owner: owner.parse().unwrap(), file: file.into() });
        assert_eq!(parse("config.toml"), of("me", "config.toml"));
        assert_eq!(parse("ann=a/config.toml"), of("ann", "a/config.toml"));
        assert_eq!(parse("./x=1/config.toml"), of("me", "./x=1/config.toml"));
        assert!(parse("Ann=config.toml").is_err());
    }

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory;
        Options::command().debug_assert();
        CommandLine::command().debug_assert();
        let cli = |line: &[&str]| CommandLine::try_parse_from(["x"].iter().chain(line));
        assert_eq!(cli(&["--client-line", "--client-line", "ann"]).unwrap().options.client_line.len(), 2);
        assert!(cli(&["install-service", "--listen", "0.0.0.0:1", "--print"]).unwrap().command.is_some());
        assert!(cli(&["--jobs", "1", "install-service"]).is_err());
        assert!(cli(&["setup", "android", "--abi", "x86_64", "--abi", "arm64-v8a", "--dry-run"]).is_ok());
        assert!(cli(&["setup", "android", "--abi", "mips"]).is_err() && cli(&["setup"]).is_err());
        let options = Options::try_parse_from(["x", "--attempt-limit", "90s", "--jobs", "2"]).unwrap();
        assert_eq!(options.attempt_limit, Some(Duration::from_secs(90)));
        let linker = Options::try_parse_from(["x", "--linker", "a-b=/c=d"]).unwrap().linker;
        assert_eq!(linker, [("a-b".to_owned(), PathBuf::from("/c=d"))]);
        for wrong in [["--jobs", "0"], ["--linker", "a-b"], ["--listen", "4100"], ["--attempt-limit", "soon"]] {
            assert!(Options::try_parse_from(["x"].iter().chain(&wrong)).is_err(), "{wrong:?}");
        }
    }
}

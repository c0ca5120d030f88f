//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use protocol::{InvalidName, Owner};

/// Builds Rust projects for cargo-cloud on this machine.
///
/// Starts the backend in the foreground; Ctrl-C stops it, with the builds that run.
#[derive(Debug, Clone, Parser)]
#[command(name = "cargo-cloud-local", version, args_conflicts_with_subcommands = true)]
pub struct CommandLine {
    /// The backend's own options.
    #[command(flatten)]
    pub options: Options,
    /// Something else than to serve.
    #[command(subcommand)]
    pub command: Option<BackendCommand>,
}

/// Something else than to serve.
#[derive(Debug, Clone, Subcommand)]
pub enum BackendCommand {
    /// Have this machine start the backend by itself, with the options given here
    ///
    /// A user unit of systemd, or a launch agent on macOS: no root is needed. Typed again, it replaces what it installed
    /// before.
    InstallService(Box<ServiceOptions>),
}

/// Options of `install-service`.
#[derive(Debug, Clone, Args)]
pub struct ServiceOptions {
    /// Stop it, and take it away. Its data stays
    #[arg(long)]
    pub uninstall: bool,

    /// Show what would be installed, and do nothing
    #[arg(long, conflicts_with = "uninstall")]
    pub print: bool,

    /// How the backend is started.
    #[command(flatten)]
    pub options: Options,
}

/// How the backend is started.
#[derive(Debug, Clone, Parser)]
pub struct Options {
    /// Where to listen. Port 0 takes a free one, which is printed.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,

    /// Where everything is kept [default: cargo-cloud in the platform's folder for data].
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,

    /// Write a ready client configuration to FILE, keeping what else is in it. OWNER (default: me) may be anyone who
    /// builds here; each owner sees only what is their own. Can be given several times.
    #[arg(long, value_name = "[OWNER=]FILE")]
    pub client_config: Vec<ClientConfig>,

    /// Print a line to paste after `cargo cloud configure` on a device. It holds the keys of OWNER [default: me], so show
    /// it to nobody else. Can be given several times.
    #[arg(long, value_name = "OWNER", num_args = 0..=1, default_missing_value = "me")]
    pub client_line: Vec<Owner>,

    /// Builds at a time; the others queue [default: a quarter of the cores, at least 1].
    #[arg(long, value_name = "N")]
    pub jobs: Option<std::num::NonZeroUsize>,

    /// Stop each attempt at a build after this long ("10min"), and go on with the next. At most 12 attempts.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub attempt_limit: Option<Duration>,

    /// A cargo configuration for all builds, for example with a mirror of the registry.
    #[arg(long, value_name = "FILE")]
    pub cargo_config: Option<PathBuf>,

    /// The linker for a target, where the one this machine has goes by an unusual name. Can be given several times.
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
    /// Whose.
    pub owner: Owner,
    /// Where.
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
        let options = Options::try_parse_from(["x", "--attempt-limit", "90s", "--jobs", "2"]).unwrap();
        assert_eq!(options.attempt_limit, Some(Duration::from_secs(90)));
        let linker = Options::try_parse_from(["x", "--linker", "a-b=/c=d"]).unwrap().linker;
        assert_eq!(linker, [("a-b".to_owned(), PathBuf::from("/c=d"))]);
        for wrong in [["--jobs", "0"], ["--linker", "a-b"], ["--listen", "4100"], ["--attempt-limit", "soon"]] {
            assert!(Options::try_parse_from(["x"].iter().chain(&wrong)).is_err(), "{wrong:?}");
        }
    }
}

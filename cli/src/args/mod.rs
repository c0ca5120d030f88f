//! The command line.

mod asked;
mod build;
mod builds;
mod check;
mod clean;
mod configure;
mod crate_spec;
mod doc;
mod doctor;
mod flags;
mod fmt;
mod install;
mod run;
mod test;

use std::ffi::OsString;

use clap::{Parser, Subcommand};

pub use asked::{Asked, Delivery};
pub use build::BuildArgs;
pub use builds::{AttachArgs, BuildsArgs, CancelArgs, LogsArgs};
pub use check::{CheckArgs, ClippyArgs};
pub use clean::CleanArgs;
pub use configure::ConfigureArgs;
pub use doc::DocArgs;
pub use doctor::DoctorArgs;
pub use flags::ProjectArgs;
pub use fmt::FmtArgs;
pub use install::{InstallArgs, UninstallArgs};
pub use run::RunArgs;
pub use test::{BenchArgs, TestArgs};

use crate::terminal::ColorWhen;

/// Builds Rust in the cloud, for machines too small to compile Rust, and installs what was built.
#[derive(Debug, Parser)]
#[command(name = "cargo-cloud", bin_name = "cargo cloud", version, propagate_version = true, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
    /// Options of every verb.
    #[command(flatten)]
    pub common: Common,
}

/// Options of every verb.
#[derive(Debug, Clone, clap::Args)]
pub struct Common {
    /// Use this backend of the configuration
    #[arg(long, global = true, value_name = "NAME")]
    pub backend: Option<String>,
    /// Print less: no status, no progress
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print more; twice for still more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Coloring
    #[arg(long, global = true, value_name = "WHEN")]
    pub color: Option<ColorWhen>,
    /// Override a cargo configuration value
    #[arg(long, global = true, value_name = "KEY=VALUE|PATH")]
    pub config: Vec<String>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Build this project in the cloud and install its binaries
    #[command(visible_alias = "b")]
    Build(Box<BuildArgs>),
    /// Check this project and all of its dependencies for errors
    #[command(visible_alias = "c")]
    Check(Box<CheckArgs>),
    /// Check this project to catch common mistakes and improve its code
    Clippy(Box<ClippyArgs>),
    /// Compile and run this project's tests
    #[command(visible_alias = "t")]
    Test(Box<TestArgs>),
    /// Compile and run this project's benchmarks
    Bench(Box<BenchArgs>),
    /// Build this project's and its dependencies' documentation
    #[command(visible_alias = "d")]
    Doc(Box<DocArgs>),
    /// Run a binary or example of this project
    #[command(visible_alias = "r")]
    Run(Box<RunArgs>),
    /// See whether this project is formatted as rustfmt does it
    Fmt(FmtArgs),
    /// Install a Rust binary
    Install(Box<InstallArgs>),
    /// Remove a Rust binary
    Uninstall(UninstallArgs),
    /// Show what of this project would be sent
    Package(PackageArgs),
    /// List the latest builds, of all devices
    Builds(BuildsArgs),
    /// Show what a build printed
    Logs(LogsArgs),
    /// Follow a build that was begun before, and bring back what it makes
    Attach(AttachArgs),
    /// End a build
    Cancel(CancelArgs),
    /// Remove what the backend keeps of this project between builds
    Clean(CleanArgs),
    /// Set up a backend from one pasted line
    Configure(ConfigureArgs),
    /// Look whether everything a build needs is there, and say what to do
    Doctor(DoctorArgs),
}

/// Options of `package`.
#[derive(Debug, clap::Args)]
pub struct PackageArgs {
    /// Print the files, with their sizes
    #[arg(short, long, required = true)]
    pub list: bool,
    /// Which project.
    #[command(flatten)]
    pub project: ProjectArgs,
}

/// What was typed, and the toolchain in front of it.
pub struct Typed {
    /// The command line.
    pub cli: Cli,
    /// `+name`.
    pub toolchain: Option<String>,
    /// Whether cargo started us, as `cargo cloud`.
    pub by_cargo: bool,
}

/// Reads the command line of this process.
pub fn parse() -> Result<Typed, clap::Error> {
    parse_from(std::env::args_os().collect())
}

fn parse_from(mut args: Vec<OsString>) -> Result<Typed, clap::Error> {
    let by_cargo = args.get(1).is_some_and(|arg| arg == "cloud");
    if by_cargo {
        args.remove(1);
    }
    let toolchain = args.get(1).and_then(|arg| Some(arg.to_str()?.strip_prefix('+')?.to_owned()));
    if toolchain.is_some() {
        args.remove(1);
    }
    Ok(Typed { cli: Cli::try_parse_from(args)?, toolchain, by_cargo })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(line: &str) -> Result<Typed, clap::Error> {
        parse_from(line.split_whitespace().map(OsString::from).collect())
    }

    #[test]
    fn the_definition_is_sound() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn cargo_cloud_and_cargo_dash_cloud_are_one() {
        for line in ["cargo-cloud b -r", "cargo-cloud cloud build -r"] {
            assert!(matches!(typed(line).unwrap().cli.verb, Verb::Build(args) if args.release));
        }
        let typed = typed("cargo-cloud cloud +nightly build -q").unwrap();
        assert_eq!((typed.toolchain.as_deref(), typed.by_cargo, typed.cli.common.quiet), (Some("nightly"), true, true));
    }

    #[test]
    fn what_cargo_refuses_is_refused() {
        for line in [
            "x build -r --profile dev",
            "x build -q -v",
            "x build --no-such",
            "x",
            "x package",
            "x configure --list l",
            "x configure --use a --remove b",
            "x install --git https://h/x --registry r tool",
            "x install --git https://h/x --path .",
            "x install --branch main tool",
            "x install --version 1.0.0",
            "x install --debug --profile dev tool",
            "x install --release tool",
            "x install tool@1",
        ] {
            assert!(typed(line).is_err(), "{line}");
        }
    }
}

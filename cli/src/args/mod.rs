//! The command line.

mod alias;
mod aliases;
mod build;
mod build_command;
mod builds;
mod check;
mod clean;
mod configure;
mod crate_spec;
mod doc;
mod doctor;
mod flags;
mod fmt;
mod help;
mod install;
mod run;
mod test;
mod unknown;

use std::ffi::OsString;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{FromArgMatches, Parser, Subcommand, ValueEnum};

pub use build::BuildArgs;
pub use build_command::{ArtifactDestination, BuildCommand};
pub use builds::{AttachArgs, BuildsArgs, CancelArgs, LogsArgs};
pub use check::{CheckArgs, ClippyArgs};
pub use clean::CleanArgs;
pub use configure::ConfigureArgs;
pub use doc::DocArgs;
pub use doctor::DoctorArgs;
pub use flags::ProjectArgs;
pub use fmt::FmtArgs;
#[cfg(any(test, feature = "manual"))]
pub use help::command;
pub use install::{InstallArgs, UninstallArgs};
pub use run::RunArgs;
pub use test::{BenchArgs, TestArgs};

use crate::terminal::ColorWhen;

/// Builds Rust in the cloud, for machines too small to compile Rust, and installs what was built.
#[derive(Debug, Parser)]
#[command(name = "cargo-cloud", bin_name = "cargo cloud", version, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
    /// Options of every verb.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Options of every verb.
#[derive(Debug, Clone, clap::Args)]
pub struct CommonArgs {
    /// Use this backend of the configuration
    #[arg(long, global = true, value_name = "NAME", help_heading = "Cloud Options")]
    pub backend: Option<String>,
    /// Print less: no status, no progress
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print more; twice for still more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Coloring
    #[arg(long, global = true, value_name = "WHEN", value_parser = color_parser())]
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
pub struct Invocation {
    /// The command line.
    pub cli: Cli,
    /// `+name`.
    pub toolchain: Option<String>,
    /// Whether cargo started us, as `cargo cloud`.
    pub by_cargo: bool,
    /// All of it, from the verb or the options in front of it on, aliases expanded.
    pub words: Vec<OsString>,
}

impl Verb {
    /// What it asks for, if it sends the project.
    ///
    /// # Errors
    /// For flags that cargo would take and that can't be had here.
    pub fn build_command(&self) -> anyhow::Result<Option<BuildCommand>> {
        let asked = match self {
            Verb::Build(args) => args.build_command(),
            Verb::Check(args) => args.build_command(),
            Verb::Clippy(args) => args.build_command()?,
            Verb::Test(args) => args.build_command()?,
            Verb::Bench(args) => args.build_command()?,
            Verb::Doc(args) => args.build_command(),
            Verb::Run(args) => args.build_command(),
            Verb::Fmt(args) => args.build_command()?,
            _ => return Ok(None),
        };
        if !asked.options.exclude.is_empty() && !asked.options.workspace {
            anyhow::bail!("--exclude can only be used together with --workspace");
        }
        Ok(Some(asked))
    }
}

/// Why there is nothing to do.
#[derive(Debug)]
pub enum Refusal {
    /// Help that was asked for, or what is wrong with a verb's flags.
    Clap(Box<clap::Error>),
    /// Nothing was asked for: the help.
    Help(Box<clap::Command>),
    /// No such verb, or an alias that leads nowhere.
    Verb(String),
}

/// Reads the command line of this process.
pub fn parse() -> Result<Invocation, Refusal> {
    parse_from(std::env::args_os().collect(), &aliases::of_here)
}

/// Reads the words of an earlier command line.
///
/// # Errors
/// When another version wrote them.
pub fn parse_words(words: &[String]) -> anyhow::Result<Invocation> {
    let args = std::iter::once("cargo-cloud").chain(words.iter().map(String::as_str)).map(OsString::from).collect();
    parse_from(args, &|_| Ok(None))
        .map_err(|_| anyhow::anyhow!("its command can't be read any more: {}", words.join(" ")))
}

fn parse_from(
    mut args: Vec<OsString>,
    aliases: &dyn Fn(&str) -> anyhow::Result<Option<Vec<String>>>,
) -> Result<Invocation, Refusal> {
    let by_cargo = args.get(1).is_some_and(|arg| arg == "cloud");
    if by_cargo {
        args.remove(1);
    }
    let toolchain = args.get(1).and_then(|arg| Some(arg.to_str()?.strip_prefix('+')?.to_owned()));
    if toolchain.is_some() {
        args.remove(1);
    }
    let mut command = help::command();
    // Cargo's own short names can be given another meaning, its verbs can't.
    let is_verb = |name: &str| name == "help" || command.get_subcommands().any(|verb| verb.get_name() == name);
    let args = alias::expand(args, is_verb, aliases).map_err(|error| Refusal::Verb(format!("{error:#}")))?;
    let words = args.iter().skip(1).cloned().collect();
    match command.try_get_matches_from_mut(args).and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => Ok(Invocation { cli, toolchain, by_cargo, words }),
        Err(error) => Err(match error.kind() {
            ErrorKind::InvalidSubcommand => Refusal::Verb(unknown::said(&error, &command)),
            ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                Refusal::Help(Box::new(command))
            }
            _ => Refusal::Clap(Box::new(error)),
        }),
    }
}

fn color_parser() -> impl TypedValueParser<Value = ColorWhen> {
    // Cargo's help names the values and doesn't explain them.
    PossibleValuesParser::new(["auto", "always", "never"]).try_map(|text| ColorWhen::from_str(&text, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(line: &str) -> Result<Invocation, Refusal> {
        let aliases = |name: &str| Ok((name == "xb").then(|| vec!["build".to_owned(), "-r".to_owned()]));
        parse_from(line.split_whitespace().map(OsString::from).collect(), &aliases)
    }

    #[test]
    fn cargo_cloud_and_cargo_dash_cloud_are_one() {
        for line in ["cargo-cloud b -r", "cargo-cloud cloud build -r", "cargo-cloud xb"] {
            assert!(matches!(typed(line).unwrap().cli.verb, Verb::Build(args) if args.release));
        }
        let typed = typed("cargo-cloud cloud +nightly build -q").unwrap();
        assert_eq!((typed.toolchain.as_deref(), typed.by_cargo, typed.cli.common.quiet), (Some("nightly"), true, true));
    }

    #[test]
    fn the_near_name_is_said() {
        for (line, near) in [("x biuld", "build"), ("x help chekc", "check"), ("x attahc", "attach")] {
            let Err(Refusal::Verb(said)) = typed(line) else { panic!("{line}") };
            assert!(said.contains(&format!("similar name exists: `{near}`")), "{said}");
        }
        assert!(matches!(typed("x"), Err(Refusal::Help(_))));
        assert!(matches!(typed("x -v"), Err(Refusal::Help(_))));
        let Err(Refusal::Clap(error)) = typed("x build --relase") else { panic!("no flag of ours") };
        assert!(error.to_string().contains("'--release'"), "{error}");
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

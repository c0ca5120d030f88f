//! The command line: its verbs, its flags, its help.

mod alias;
mod build;
mod build_command;
mod builds;
mod check;
mod clean;
mod compile;
mod configure;
mod configured_alias;
mod crate_spec;
mod doc;
mod doctor;
mod examples;
mod flag_groups;
mod fmt;
mod help;
mod install;
mod run;
mod selection;
mod test;
mod unknown_command;

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
pub use flag_groups::ProjectArgs;
pub use fmt::FmtArgs;
pub use install::{InstallArgs, UninstallArgs};
pub use run::RunArgs;
pub use test::{BenchArgs, TestArgs};

use crate::terminal::ColorWhen;
use help::HelpDetail;

/// Rust builds in the cloud, for machines too small to compile Rust
#[derive(Debug, Parser)]
#[command(name = "cargo-cloud", bin_name = "cargo cloud", version, max_term_width = 100)]
pub struct Cli {
    /// The verb, with its own flags.
    #[command(subcommand)]
    pub verb: Verb,
    /// The flags that every verb has.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// The flags that every verb has.
#[derive(Debug, Clone, clap::Args)]
pub struct CommonArgs {
    /// Build on this backend of the configuration
    #[arg(long, global = true, value_name = "NAME", help_heading = "Cloud Options")]
    pub backend: Option<String>,
    /// Print no status and no progress
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print more (-vv: even more)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// When output is coloured; `None` leaves it to the environment.
    #[arg(help = "Coloring", long, global = true, value_name = "WHEN", value_parser = color_parser())]
    pub color: Option<ColorWhen>,
    /// Override a cargo configuration value
    #[arg(long, global = true, value_name = "KEY=VALUE|PATH")]
    pub config: Vec<String>,
}

/// The verbs, in the order in which the help lists them.
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
    /// Check this project's formatting with rustfmt
    Fmt(FmtArgs),
    /// Build a crate in the cloud and install its binaries
    Install(Box<InstallArgs>),
    /// Remove a Rust binary from this device
    Uninstall(UninstallArgs),
    /// List the files that a build of this project sends
    Package(PackageArgs),
    /// List the latest builds of all your devices
    Builds(BuildsArgs),
    /// Show what a build printed
    Logs(LogsArgs),
    /// Follow a build that was started before, and fetch its artifact
    Attach(AttachArgs),
    /// Cancel a build that is running or waiting
    Cancel(CancelArgs),
    /// Remove what the backend keeps of this project between builds
    Clean(CleanArgs),
    /// Set up a backend from one pasted line
    Configure(ConfigureArgs),
    /// Check everything that a build needs, and say how to fix it
    Doctor(DoctorArgs),
}

/// The flags of `cargo cloud package`, which only lists.
#[derive(Debug, clap::Args)]
pub struct PackageArgs {
    /// Print the files, with their sizes
    #[arg(short, long, required = true)]
    pub list: bool,
    /// The flags that choose the project.
    #[command(flatten)]
    pub project: ProjectArgs,
}

/// A command line as it was typed, with the toolchain in front of it.
pub struct Invocation {
    /// The verb and its flags.
    pub cli: Cli,
    /// The toolchain of `+NAME`, if one was named.
    pub toolchain: Option<String>,
    /// Whether cargo started this process, as `cargo cloud`.
    pub by_cargo: bool,
    /// All words after the program's name and the toolchain, with aliases expanded.
    pub words: Vec<OsString>,
}

impl Verb {
    /// The build that the verb asks for; `None` for a verb that doesn't send the project.
    ///
    /// # Errors
    /// For flags that cargo accepts and cargo-cloud doesn't support.
    pub fn build_command(&self) -> anyhow::Result<Option<BuildCommand>> {
        let asked = match self {
            Verb::Build(args) => args.build_command(),
            Verb::Check(args) => args.build_command(),
            Verb::Clippy(args) => args.build_command()?,
            Verb::Test(args) => args.build_command(),
            Verb::Bench(args) => args.build_command(),
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

/// Why a command line starts no work.
#[derive(Debug)]
pub enum Refusal {
    /// Help that the user asked for, or an error in the flags of a verb.
    Clap(Box<clap::Error>),
    /// No verb was typed, so the help is printed.
    Help(Box<clap::Command>),
    /// The verb doesn't exist, or is an alias that can't be resolved; the message.
    Verb(String),
}

/// The definition of the command line with every flag, for completions and man pages.
#[cfg(any(test, feature = "manual"))]
pub fn whole_command() -> clap::Command {
    help::command(HelpDetail::Whole)
}

/// Parses the command line of this process.
pub fn parse() -> Result<Invocation, Refusal> {
    parse_from(std::env::args_os().collect(), &configured_alias::lookup)
}

/// Parses the words of an earlier command line.
///
/// # Errors
/// When this version doesn't understand them, because another version recorded them.
pub fn parse_words(words: &[String]) -> anyhow::Result<Invocation> {
    let args = std::iter::once("cargo-cloud").chain(words.iter().map(String::as_str)).map(OsString::from).collect();
    parse_from(args, &|_| Ok(None))
        .map_err(|_| anyhow::anyhow!("this version doesn't understand the build's command: {}", words.join(" ")))
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
    let mut command = help::command(help_detail(&args));
    // As in cargo, an alias can't redefine a verb.
    let is_verb = |name: &str| name == "help" || command.get_subcommands().any(|verb| verb.get_name() == name);
    let args = alias::expand(args, is_verb, aliases).map_err(|error| Refusal::Verb(format!("{error:#}")))?;
    let words = args.iter().skip(1).cloned().collect();
    match command.try_get_matches_from_mut(args).and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => Ok(Invocation { cli, toolchain, by_cargo, words }),
        Err(error) => Err(match error.kind() {
            ErrorKind::InvalidSubcommand => Refusal::Verb(unknown_command::message(&error, &command)),
            ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                Refusal::Help(Box::new(command))
            }
            _ => Refusal::Clap(Box::new(error)),
        }),
    }
}

/// Short for `-h`, also among other short flags (`-qh`). What follows `--` is for another program.
fn help_detail(args: &[OsString]) -> HelpDetail {
    let mut own = args.iter().skip(1).take_while(|arg| *arg != "--").map(|arg| arg.as_encoded_bytes());
    let mut short = false;
    let whole = own.any(|arg| {
        short |= arg.starts_with(b"-") && !arg.starts_with(b"--") && arg.contains(&b'h');
        arg == b"--help"
    });
    if short && !whole { HelpDetail::Short } else { HelpDetail::Whole }
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
    fn cargo_cloud_and_cargo_dash_cloud_parse_alike() {
        for line in ["cargo-cloud b -r", "cargo-cloud cloud build -r", "cargo-cloud xb"] {
            assert!(matches!(typed(line).unwrap().cli.verb, Verb::Build(args) if args.build_command().options.release));
        }
        let typed = typed("cargo-cloud cloud +nightly build -q").unwrap();
        assert_eq!((typed.toolchain.as_deref(), typed.by_cargo, typed.cli.common.quiet), (Some("nightly"), true, true));
    }

    #[test]
    fn short_help_is_for_dash_h() {
        let shown = |line: &str| match typed(line) {
            Err(Refusal::Clap(error)) => error.to_string(),
            other => panic!("{line}: {:?}", other.map(|typed| typed.words)),
        };
        for line in ["x build -h", "x build -qh", "x -h", "x run -h -- --help"] {
            assert!(shown(line).contains("--help shows every flag"), "{line}");
        }
        for line in ["x build --help", "x help build", "x --help", "x build -h --help"] {
            assert!(!shown(line).contains("--help shows every flag"), "{line}");
        }
    }

    #[test]
    fn a_mistyped_name_is_corrected() {
        for (line, near) in [("x biuld", "build"), ("x help chekc", "check"), ("x attahc", "attach")] {
            let Err(Refusal::Verb(said)) = typed(line) else { panic!("{line}") };
            assert!(said.contains(&format!("similar name exists: `{near}`")), "{said}");
        }
        assert!(matches!(typed("x"), Err(Refusal::Help(_))));
        assert!(matches!(typed("x -v"), Err(Refusal::Help(_))));
        let Err(Refusal::Clap(error)) = typed("x build --relase") else { panic!("an unknown flag was accepted") };
        assert!(error.to_string().contains("'--release'"), "{error}");
    }

    #[test]
    fn wrong_flags_are_refused_as_cargo_does() {
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
            "x test --keep-going",
            "x bench --release",
            "x bench -r",
            "x run --lib",
            "x doc --tests",
            "x doc --future-incompat-report",
        ] {
            assert!(typed(line).is_err(), "{line}");
        }
    }
}

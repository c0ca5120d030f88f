//! The definition of the command line as its help shows it: cargo's sections in cargo's order, `-h` on one screen with
//! the flags that are used most, `--help` with all of them, both with examples at the end.

use std::fmt::Write;

use clap::{Arg, ArgAction, Command, CommandFactory};

use super::{Cli, examples};
use crate::terminal::{stdout_columns, wrapped};

/// In fewer columns a description stands below what it describes.
const NARROW: usize = 72;

/// Verbs that cargo doesn't have, by what they are about; all others come before these.
const SECTIONS: [(&str, &[&str]); 2] = [
    ("Builds that were started before", &["builds", "logs", "attach", "cancel", "clean"]),
    ("Setting up", &["configure", "doctor", "help"]),
];

/// Flags that stand among a verb's plain options, as in cargo, whatever group they come after.
const PLAIN: [&str; 4] = ["future_incompat_report", "message_format", "no_deps", "unstable"];

/// Flags that only `--help` shows.
const RARE: [&str; 38] = [
    "all_features",
    "all_targets",
    "artifact_dir",
    "bench",
    "benches",
    "bins",
    "branch",
    "color",
    "config",
    "debug",
    "dry_run",
    "example",
    "examples",
    "exclude",
    "frozen",
    "future_incompat_report",
    "ignore_rust_version",
    "index",
    "jobs",
    "keep_going",
    "lib",
    "locked",
    "manifest_path",
    "message_format",
    "no_fail_fast",
    "no_track",
    "offline",
    "platform",
    "profile",
    "registry",
    "rev",
    "tag",
    "target_dir",
    "test",
    "tests",
    "timings",
    "unstable",
    "with_git",
];

/// Flags that are rare, but not with these verbs.
const USUAL: [(&str, &[&str]); 10] = [
    ("build", &["platform", "profile"]),
    ("bench", &["bench", "profile"]),
    ("check", &["all_targets", "locked"]),
    ("clean", &["manifest_path"]),
    ("clippy", &["all_targets"]),
    ("fmt", &["manifest_path"]),
    ("install", &["locked"]),
    ("package", &["manifest_path"]),
    ("run", &["example", "manifest_path"]),
    ("test", &["lib", "test"]),
];

/// How much of the help is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HelpDetail {
    /// The usual flags, on one screen: `-h`.
    Short,
    /// Every flag, and all notes: `--help` and `help VERB`.
    Whole,
}

/// The command line, its help for the terminal that standard output is.
pub fn command(detail: HelpDetail) -> Command {
    fitting(detail, stdout_columns().filter(|columns| *columns < NARROW))
}

/// `narrow`: the columns of a narrow terminal.
fn fitting(detail: HelpDetail, narrow: Option<usize>) -> Command {
    let command = Cli::command().mut_subcommands(|verb| {
        let name = verb.get_name().to_owned();
        with_help(plain_first(verb), &name, detail, narrow)
    });
    let listed = verbs(&command, narrow);
    let command = with_help(command, "", detail, narrow);
    let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let more = match detail {
        HelpDetail::Short => String::new(),
        HelpDetail::Whole => {
            let more = "Type `cargo cloud help COMMAND` to see all flags of a command.";
            format!("{}\n\n", wrapped(more, narrow.unwrap_or(NARROW), 0))
        }
    };
    command.help_template(format!(
        "{{about-with-newline}}\nUsage: cargo cloud [+toolchain] [OPTIONS] [COMMAND]\n\nOptions:\n{{options}}\n\n{}\n\n{more}{examples}",
        listed.trim_end()
    ))
}

/// What stands without a flag has a section of its own.
fn plain_first(verb: Command) -> Command {
    let plain = verb.get_arguments().filter(|arg| arg.is_positional() || PLAIN.contains(&arg.get_id().as_str()));
    let plain: Vec<_> = plain.map(|arg| arg.get_id().to_string()).collect();
    plain.into_iter().fold(verb, |verb, id| verb.mut_arg(id, |arg| arg.help_heading(None)))
}

/// The command with its help flag, its notes and its examples, without rare flags where the help is short.
fn with_help(command: Command, name: &str, detail: HelpDetail, narrow: Option<usize>) -> Command {
    let usual = USUAL.iter().find(|(verb, _)| *verb == name).map_or(&[][..], |(_, flags)| flags);
    let rare = |arg: &Arg| RARE.contains(&arg.get_id().as_str()) && !usual.contains(&arg.get_id().as_str());
    let about_help = match detail {
        HelpDetail::Short => "Print this help; --help shows every flag",
        HelpDetail::Whole => "Print help; -h shows the usual flags",
    };
    let help = Arg::new("help")
        .short('h')
        .long("help")
        .action(ArgAction::Help)
        .help(about_help)
        .help_heading(None::<&str>)
        .display_order(usize::MAX);
    let notes = command.get_after_help().filter(|_| detail == HelpDetail::Whole).map(ToString::to_string);
    let notes = notes.map(|notes| narrow.map_or(notes.clone(), |columns| wrapped(&notes, columns, 0)));
    let foot: Vec<String> = notes.into_iter().chain([example_lines(name, narrow)]).collect();
    let command = command.disable_help_flag(true).arg(help).after_help(foot.join("\n\n"));
    let command = match detail {
        HelpDetail::Short => command.mut_args(|arg| if rare(&arg) { arg.hide(true) } else { arg }),
        HelpDetail::Whole => command,
    };
    match narrow {
        Some(columns) => below(command, columns),
        None => command,
    }
}

fn example_lines(verb: &str, narrow: Option<usize>) -> String {
    let examples = examples::of(verb);
    let width = examples.iter().map(|example| example.line.len()).max().unwrap_or(0);
    let lines = examples.map(|examples::Example { line, does }| match narrow {
        Some(columns) => format!("    {}", wrapped(&format!("{line}\n{does}"), columns, 8)),
        None => format!("    {line:<width$}  {does}"),
    });
    format!("Examples:\n{}", lines.join("\n"))
}

/// The command with each flag's description below the flag.
fn below(command: Command, columns: usize) -> Command {
    // What clap puts in front of such a line.
    const INDENT: usize = 10;
    let about = command.get_about().map(|about| wrapped(&about.to_string(), columns, 0));
    let command = about.into_iter().fold(command, |command, about| command.about(about));
    command.next_line_help(true).mut_args(|arg| match arg.get_help() {
        Some(help) => {
            let help = wrapped(&help.to_string(), columns.saturating_sub(INDENT), 0);
            arg.help(help)
        }
        None => arg,
    })
}

/// All verbs with what they do, section by section.
fn verbs(command: &Command, narrow: Option<usize>) -> String {
    let help = ("help".to_owned(), "Show what a command does, and its flags".to_owned());
    let listed: Vec<(String, String, String)> = command
        .get_subcommands()
        .map(|verb| {
            let names: Vec<_> = std::iter::once(verb.get_name()).chain(verb.get_visible_aliases()).collect();
            let about = verb.get_about().map(ToString::to_string).unwrap_or_default();
            (verb.get_name().to_owned(), names.join(", "), about)
        })
        .chain(std::iter::once((help.0.clone(), help.0, help.1)))
        .collect();
    let width = listed.iter().map(|(_, names, _)| names.len()).max().unwrap_or(0);
    let mut out = String::new();
    let mut section = |title: &str, is_in: &dyn Fn(&str) -> bool| {
        let _ = writeln!(out, "{title}:");
        for (_, names, about) in listed.iter().filter(|(name, ..)| is_in(name)) {
            let _ = match narrow {
                Some(columns) => writeln!(out, "    {}", wrapped(&format!("{names}\n{about}"), columns, 8)),
                None => writeln!(out, "    {names:<width$}  {about}"),
            };
        }
        out.push('\n');
    };
    section("Commands", &|name| !SECTIONS.iter().any(|(_, verbs)| verbs.contains(&name)));
    for (title, verbs) in SECTIONS {
        section(title, &|name| verbs.contains(&name));
    }
    out
}

#[cfg(test)]
mod tests;

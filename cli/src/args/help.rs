//! The definition of the command line as it is shown: cargo's sections, in cargo's order.

use std::fmt::Write;

use clap::{Command, CommandFactory};

use super::Cli;
use crate::terminal::{stdout_columns, wrapped};

/// In fewer columns a description stands below what it describes.
const NARROW: usize = 72;

/// Verbs that cargo doesn't have, by what they are about; all others come before these.
const SECTIONS: [(&str, &[&str]); 2] = [
    ("Builds that were begun before", &["builds", "logs", "attach", "cancel", "clean"]),
    ("Setting up", &["configure", "doctor", "help"]),
];

/// Flags that stand among a verb's plain options, as in cargo, whatever group they come after.
const PLAIN: [&str; 3] = ["future_incompat_report", "message_format", "unstable"];

/// The command line, its help for the terminal that standard output is.
pub fn command() -> Command {
    fitting(stdout_columns().filter(|columns| *columns < NARROW))
}

/// `narrow`: the columns of a narrow terminal.
fn fitting(narrow: Option<usize>) -> Command {
    let command = Cli::command().mut_subcommands(|verb| {
        // What stands without a flag has a section of its own.
        let plain = verb.get_arguments().filter(|arg| arg.is_positional() || PLAIN.contains(&arg.get_id().as_str()));
        let plain: Vec<_> = plain.map(|arg| arg.get_id().to_string()).collect();
        plain.into_iter().fold(verb, |verb, id| verb.mut_arg(id, |arg| arg.help_heading(None)))
    });
    let template = format!(
        "{{about-with-newline}}\nUsage: cargo cloud [+toolchain] [OPTIONS] [COMMAND]\n\nOptions:\n{{options}}\n\n{}\n\n{}",
        verbs(&command, narrow).trim_end(),
        wrapped("See `cargo cloud help <command>` for more on one of them.", narrow.unwrap_or(NARROW), 0)
    );
    let command = command.help_template(template);
    match narrow {
        Some(columns) => below(command, columns).mut_subcommands(|verb| below(verb, columns)),
        None => command,
    }
}

/// With each flag's description below it.
fn below(command: Command, columns: usize) -> Command {
    // What clap puts in front of such a line.
    const INDENT: usize = 10;
    let about = command.get_about().map(|about| wrapped(&about.to_string(), columns, 0));
    let after = command.get_after_help().map(|after| wrapped(&after.to_string(), columns, 0));
    let command = about.into_iter().fold(command, |command, about| command.about(about));
    let command = after.into_iter().fold(command, |command, after| command.after_help(after));
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
    let help = ("help".to_owned(), "Print what a command does, and its options".to_owned());
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
mod tests {
    use super::*;

    #[test]
    fn help_fits_a_tablet_held_upright() {
        let mut command = fitting(Some(40));
        command.clone().debug_assert();
        let mut texts = vec![command.render_help().to_string()];
        let verbs = command.get_subcommands_mut().filter(|verb| verb.get_name() != "help");
        texts.extend(verbs.map(|verb| verb.render_help().to_string()));
        for text in texts {
            // What can't be parted: usage, a flag's own name, what clap says in brackets.
            let whole = |line: &str| line.contains("Usage:") || line.contains('[') || line.contains("--");
            for line in text.lines().filter(|line| !whole(line)) {
                assert!(line.chars().count() <= 40, "{line}\n\n{text}");
            }
        }
    }

    #[test]
    fn the_definition_is_sound_and_every_verb_is_listed_once() {
        let mut command = command();
        command.clone().debug_assert();
        let help = command.render_help().to_string();
        for verb in Cli::command().get_subcommands() {
            let lines = help.lines().filter(|line| {
                line.strip_prefix("    ").is_some_and(|line| line.split([' ', ',']).next() == Some(verb.get_name()))
            });
            assert_eq!(lines.count(), 1, "{}", verb.get_name());
        }
        for (_, verbs) in SECTIONS {
            assert!(verbs.iter().all(|verb| *verb == "help" || Cli::command().find_subcommand(verb).is_some()));
        }
        assert!(help.contains("    build, b "), "{help}");
    }
}

//! The error for a verb that doesn't exist, in cargo's words.

use clap::Command;
use clap::error::{ContextKind, ContextValue};

/// The message for an unknown verb, with the name that was probably meant.
pub fn message(error: &clap::Error, command: &Command) -> String {
    let name = match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(name)) => name.as_str(),
        _ => "",
    };
    let near = near(name, command.get_subcommands().map(Command::get_name));
    let near = near.map(|near| format!("\n\nhelp: a command with a similar name exists: `{near}`")).unwrap_or_default();
    format!("no such command: `{}`{near}\n\nhelp: `cargo cloud --help` lists the commands", name.escape_debug())
}

/// The most similar name with at most three typing errors, the limit that cargo uses.
fn near<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = names.map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate));
    near.filter(|(distance, candidate)| *distance <= 3 && *distance < candidate.len()).min().map(|(_, near)| near)
}

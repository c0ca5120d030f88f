//! The commands that a client can send.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::InvalidRequest;

/// The command of a request, named as on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Command {
    /// `cargo build`; the programs come back and may be installed.
    Build,
    /// `cargo check`; only its messages come back.
    Check,
    /// `cargo clippy`; only its messages come back.
    Clippy,
    /// `cargo test`; if the builder can't run the target's programs, the test programs come back.
    Test,
    /// `cargo bench`; handled in the same way as [`Command::Test`].
    Bench,
    /// `cargo doc`; the generated pages come back.
    Doc,
    /// `cargo run`; if the builder can't run the target's programs, the program comes back.
    Run,
    /// `cargo fmt --check`; nothing is changed in the source.
    Fmt,
    /// `cargo install` of a crate, a git repository, or the source that was sent.
    Install,
    /// Removes everything the backend keeps of a project between builds. It has no source and runs no cargo.
    Clean,
}

impl Command {
    /// All commands, in the order of their definition.
    pub const ALL: [Command; 10] = [
        Command::Build,
        Command::Check,
        Command::Clippy,
        Command::Test,
        Command::Bench,
        Command::Doc,
        Command::Run,
        Command::Fmt,
        Command::Install,
        Command::Clean,
    ];

    /// The command's name in the metadata and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Command::Build => "build",
            Command::Check => "check",
            Command::Clippy => "clippy",
            Command::Test => "test",
            Command::Bench => "bench",
            Command::Doc => "doc",
            Command::Run => "run",
            Command::Fmt => "fmt",
            Command::Install => "install",
            Command::Clean => "clean",
        }
    }

    /// Whether it links programs, so that the builder needs a linker for the target.
    pub fn links(self) -> bool {
        !matches!(self, Command::Check | Command::Clippy | Command::Doc | Command::Fmt | Command::Clean)
    }

    /// Whether the command runs what it has built.
    pub fn executes(self) -> bool {
        matches!(self, Command::Test | Command::Bench | Command::Run)
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Command {
    type Err = InvalidRequest;

    fn from_str(text: &str) -> Result<Self, InvalidRequest> {
        let known = Command::ALL.into_iter().find(|command| command.as_str() == text);
        known.ok_or_else(|| InvalidRequest::Command(text.chars().take(40).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_read_back() {
        for command in Command::ALL {
            assert_eq!(command.as_str().parse(), Ok(command));
            assert_eq!(serde_json::to_value(command).unwrap(), command.as_str());
        }
        assert_eq!("publish".parse::<Command>(), Err(InvalidRequest::Command("publish".to_owned())));
    }
}

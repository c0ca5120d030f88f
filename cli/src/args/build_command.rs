//! What a command line asks for, in one form for all verbs that send the project.

use std::path::PathBuf;

use protocol::{CargoOptions, Command};

use super::flag_groups::{CloudArgs, ProjectArgs};

/// A build, check, test or other job on the project, as the command line asks for it.
#[derive(Debug, Clone)]
pub struct BuildCommand {
    /// The command that the builder runs.
    pub command: Command,
    /// Cargo's flags, except for targets and configuration, which have defaults elsewhere, and the flags of all verbs.
    pub options: CargoOptions,
    /// The triples of `--target`; empty for the configured ones, else the device's own.
    pub targets: Vec<String>,
    /// TESTNAME or BENCHNAME: only tests with this text in their names run.
    pub filter: Option<String>,
    /// The arguments after `--`, for the program that is run.
    pub args: Vec<String>,
    /// The folder of `--artifact-dir`, as typed.
    pub artifact_dir: Option<PathBuf>,
    /// Where the artifact goes on this device.
    pub delivery: ArtifactDestination,
    /// Whether a browser opens the documentation (`doc --open`).
    pub open: bool,
    /// The flags that choose the project.
    pub project: ProjectArgs,
    /// The flags that cargo doesn't have.
    pub cloud: CloudArgs,
}

/// Where the files of an artifact go on this device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArtifactDestination {
    /// Cargo's target directory, where `cargo build` would leave them.
    TargetDir,
    /// The folder `bin` of an install root, as `cargo install` does.
    Install {
        /// The folder of `--root`, as typed; `None` for cargo's own.
        root: Option<PathBuf>,
        /// Whether programs of other packages are overwritten (`--force`).
        force: bool,
    },
}

impl BuildCommand {
    /// A command with these flags of cargo, and no others.
    pub fn new(command: Command, options: CargoOptions) -> Self {
        Self {
            command,
            options,
            targets: Vec::new(),
            filter: None,
            args: Vec::new(),
            artifact_dir: None,
            delivery: ArtifactDestination::TargetDir,
            open: false,
            project: ProjectArgs::default(),
            cloud: CloudArgs::default(),
        }
    }
}

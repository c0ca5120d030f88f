//! What a verb's command line comes to, whichever verb it is.

use std::path::PathBuf;

use protocol::{CargoOptions, Command};

use super::flags::{CloudArgs, ProjectArgs};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct BuildCommand {
    /// What to do.
    pub command: Command,
    /// Cargo's flags, but for targets and configuration, which have defaults elsewhere, and what every verb has.
    pub options: CargoOptions,
    /// `--target`.
    pub targets: Vec<String>,
    /// TESTNAME or BENCHNAME.
    pub filter: Option<String>,
    /// What follows `--`.
    pub args: Vec<String>,
    /// `--artifact-dir`.
    pub artifact_dir: Option<PathBuf>,
    /// Where what is built goes.
    pub delivery: ArtifactDestination,
    /// `doc --open`.
    pub open: bool,
    /// Which project.
    pub project: ProjectArgs,
    /// What cargo has no need of.
    pub cloud: CloudArgs,
}

/// Where what is built goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArtifactDestination {
    /// Where cargo would leave it.
    TargetDir,
    /// Into `bin` of an install root.
    Install {
        /// `--root`.
        root: Option<PathBuf>,
        /// `--force`.
        force: bool,
    },
}

impl BuildCommand {
    /// A command with these flags, and nothing else.
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

//! What a verb's command line comes to, whichever verb it is.

use std::path::PathBuf;

use protocol::{CargoOptions, Command};

use super::flags::{Cloud, ProjectArgs};

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
    pub delivery: Delivery,
    /// `doc --open`.
    pub open: bool,
    /// Which project.
    pub project: ProjectArgs,
    /// What cargo has no need of.
    pub cloud: Cloud,
}

/// Where what is built goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
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
            delivery: Delivery::TargetDir,
            open: false,
            project: ProjectArgs::default(),
            cloud: Cloud::default(),
        }
    }
}

//! The flags that every verb has that compiles a project.

use std::ffi::OsStr;

use clap::builder::{TypedValueParser, UnknownArgumentValueParser};
use clap::{Arg, Args};
use protocol::{CargoOptions, Command};

use super::BuildCommand;
use super::flag_groups::{CloudArgs, ManifestArgs, MessageArgs, ProjectArgs};
use super::selection::{SelectionArgs, WholeSelection};

/// Cargo's flags for compiling a project. `S` selects packages, targets and features, which differs
/// between verbs.
#[derive(Debug, Clone, Args)]
pub struct CompileArgs<S: SelectionArgs = WholeSelection> {
    #[command(flatten)]
    selection: S,
    /// Build artifacts in release mode, with optimizations
    #[arg(short, long, help_heading = "Compilation Options", conflicts_with = "profile")]
    release: bool,
    /// Do not abort the build as soon as there is an error
    #[arg(long, help_heading = "Compilation Options")]
    keep_going: bool,
    /// Build artifacts with the specified profile
    #[arg(long, value_name = "PROFILE-NAME", help_heading = "Compilation Options")]
    profile: Option<String>,
    /// Number of parallel jobs on the builder
    #[arg(short, long, value_name = "N", allow_hyphen_values = true, help_heading = "Compilation Options")]
    jobs: Option<String>,
    /// Build for the target triple instead of this device
    #[arg(
        long,
        value_name = "TRIPLE",
        num_args = 0..=1,
        default_missing_value = "",
        help_heading = "Compilation Options"
    )]
    target: Vec<String>,
    /// Output a build timing report at the end of the build
    #[arg(long, help_heading = "Compilation Options")]
    timings: bool,
    #[command(flatten)]
    messages: MessageArgs,
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    manifest: ManifestArgs,
    #[command(flatten)]
    cloud: CloudArgs,
}

impl<S: SelectionArgs> CompileArgs<S> {
    /// The command that these flags ask for. What only one verb has, its caller adds.
    pub fn build_command(&self, command: Command) -> BuildCommand {
        let mut options = CargoOptions {
            release: self.release,
            keep_going: self.keep_going,
            profile: self.profile.clone(),
            jobs: self.jobs.clone(),
            timings: self.timings,
            ..CargoOptions::default()
        };
        self.selection.write(&mut options);
        self.messages.write(&mut options);
        self.manifest.write(&mut options);
        BuildCommand {
            targets: self.target.clone(),
            project: self.project.clone(),
            cloud: self.cloud.clone(),
            ..BuildCommand::new(command, options)
        }
    }
}

/// Refuses a flag that cargo has elsewhere, but not with this verb. `instead` is cargo's advice.
pub fn refused(flag: Arg, instead: &'static str) -> Arg {
    flag.hide(true).value_parser(RefusedFlag { instead })
}

#[derive(Clone)]
struct RefusedFlag {
    instead: &'static str,
}

impl TypedValueParser for RefusedFlag {
    type Value = bool;

    fn parse_ref(
        &self,
        command: &clap::Command,
        flag: Option<&Arg>,
        value: &OsStr,
    ) -> Result<Self::Value, clap::Error> {
        // Clap reads a flag that isn't there as "false".
        if value == "true" {
            UnknownArgumentValueParser::suggest(self.instead).parse_ref(command, flag, value)?;
        }
        Ok(false)
    }
}

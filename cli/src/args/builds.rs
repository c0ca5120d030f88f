//! The flags of the verbs that work on builds that were started before.

use std::path::PathBuf;

use clap::Args;

/// The note on build ids that several verbs share.
const IDS: &str = "ID is the id that `cargo cloud builds` shows, or any beginning or end of the build's full id that
matches one build only.";

/// The flags of `cargo cloud builds`: how many, and the output format.
#[derive(Debug, Args)]
#[command(
    after_help = "The list covers all devices of the backend's owner and the last 7 days. TIME is how long the builder
worked or, for a running build, how long ago it started."
)]
pub struct BuildsArgs {
    /// Show at most N builds
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub limit: usize,
    /// Print one JSON object per build instead of a table
    #[arg(long)]
    pub json: bool,
}

/// The flags of `cargo cloud logs`: which build, and whether to wait.
#[derive(Debug, Args)]
#[command(after_help = format!("{IDS}

The build's standard output goes to standard output, all else to standard error. The exit code is 0
however the build ended. Ctrl-C doesn't stop the build."))]
pub struct LogsArgs {
    /// Id of the build, or a part of it
    #[arg(value_name = "ID")]
    pub build: String,
    /// Wait for more output until the build has ended
    #[arg(short, long)]
    pub follow: bool,
}

/// The flags of `cargo cloud attach`: which build, and where its programs go.
#[derive(Debug, Args)]
#[command(after_help = format!("{IDS} Without ID, attach takes the project's latest build that was started with
`--detach` or whose client was killed; outside of a project, the latest one of this device.

The build's output is shown from the start. Its artifact is treated as the command that started the
build would have done: installed, left in the target directory, or run. A build that another device
started is only shown, unless --root says where to install its programs.

The exit code is that of the build's own command. Ctrl-C doesn't stop the build;
`cargo cloud cancel ID` does."))]
pub struct AttachArgs {
    /// Id of the build, or a part of it
    #[arg(value_name = "ID")]
    pub build: Option<String>,
    /// Install the build's programs into DIR/bin
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Overwrite programs that another package installed
    #[arg(short, long)]
    pub force: bool,
}

/// The flags of `cargo cloud cancel`: which build.
#[derive(Debug, Args)]
#[command(after_help = format!("{IDS}

The exit code is 0 when the build has stopped, even if it had ended before."))]
pub struct CancelArgs {
    /// Id of the build, or a part of it
    #[arg(value_name = "ID")]
    pub build: String,
}

//! The flags of the verbs that are about builds begun before.

use std::path::PathBuf;

use clap::Args;

/// What to say of ids.
const IDS: &str = "ID is what `cargo cloud builds` shows, or any beginning or end of the build's full id that fits
one build alone.";

/// Options of `builds`.
#[derive(Debug, Args)]
#[command(
    after_help = "Builds of all devices of the backend's owner, of the last 7 days. TIME is what the builder spent, or,
of a build that goes on, how long ago it began."
)]
pub struct BuildsArgs {
    /// Show at most N builds
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub limit: usize,
    /// Print one JSON object a build instead of a table
    #[arg(long)]
    pub json: bool,
}

/// Options of `logs`.
#[derive(Debug, Args)]
#[command(after_help = format!("{IDS}

What the build printed on standard output goes to standard output, all else to standard error. The
exit code is 0 whatever became of the build. Ctrl-C leaves the build alone."))]
pub struct LogsArgs {
    /// Which build
    #[arg(value_name = "ID")]
    pub build: String,
    /// Go on until the build has ended
    #[arg(short, long)]
    pub follow: bool,
}

/// Options of `attach`.
#[derive(Debug, Args)]
#[command(after_help = format!("{IDS} Without ID it is the latest of this project that was left with `--detach`,
or by a client that was killed; outside of a project, the latest of this device.

The build is shown from its beginning. What it makes is brought back as the command that began it
would have: installed, left in the target directory, or run. A build that another device began is
only shown, unless --root tells where to install its programs.

The exit code is what the build's own command would have had. Ctrl-C leaves the build alone;
`cargo cloud cancel ID` ends it."))]
pub struct AttachArgs {
    /// Which build
    #[arg(value_name = "ID")]
    pub build: Option<String>,
    /// Install what was built into DIR/bin, whatever its command would have done
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Overwrite binaries that belong to something else
    #[arg(short, long)]
    pub force: bool,
}

/// Options of `cancel`.
#[derive(Debug, Args)]
#[command(after_help = format!("{IDS}

The exit code is 0 when the build does not go on, also if it had ended before."))]
pub struct CancelArgs {
    /// Which build
    #[arg(value_name = "ID")]
    pub build: String,
}

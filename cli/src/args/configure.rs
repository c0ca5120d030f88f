//! The flags of `configure`, which edits the configuration file.

use clap::Args;

/// The flags of `cargo cloud configure`. Without LINE, or with `-`, it reads from standard input, which no shell records.
#[derive(Debug, Args)]
#[command(
    after_help = "The line begins with `cargo-cloud-1:`. Where the backend runs, `make device` or `cargo-cloud-local
--client-line` prints it. Without LINE you are asked for it, and it is not shown while you paste it:
an argument would stay in the shell's history."
)]
pub struct ConfigureArgs {
    /// The line that the backend's owner gave you; `-` for standard input
    #[arg(value_name = "LINE", hide_default_value = true)]
    pub line: Option<String>,
    /// Keep the current default backend
    #[arg(long)]
    pub no_default: bool,
    /// List the backends of the configuration
    #[arg(long, conflicts_with_all = ["line", "no_default", "select", "remove"])]
    pub list: bool,
    /// Use the backend NAME by default
    #[arg(long = "use", value_name = "NAME", conflicts_with_all = ["line", "no_default", "remove"])]
    pub select: Option<String>,
    /// Forget the backend NAME and its keys
    #[arg(long, value_name = "NAME", conflicts_with_all = ["line", "no_default"])]
    pub remove: Option<String>,
}

//! The flags of `configure`.

use clap::Args;

/// Options of `configure`. Without LINE, or with `-`, it is read from standard input, where no shell remembers it.
#[derive(Debug, Args)]
#[command(
    after_help = "The line begins with `cargo-cloud-1:`. It is printed where the backend runs: by `make device`, \
or by `cargo-cloud-local --client-line`. Without LINE it is asked for, and not shown while it is pasted: an argument \
would stay in the shell's history."
)]
pub struct ConfigureArgs {
    /// The line that the backend's owner gave you; `-` or nothing: standard input
    #[arg(value_name = "LINE", hide_default_value = true)]
    pub line: Option<String>,
    /// Leave the backend that is used by default as it is
    #[arg(long)]
    pub no_default: bool,
    /// Show the backends of the configuration
    #[arg(long, conflicts_with_all = ["line", "no_default", "select", "remove"])]
    pub list: bool,
    /// Use the backend NAME by default
    #[arg(long = "use", value_name = "NAME", conflicts_with_all = ["line", "no_default", "remove"])]
    pub select: Option<String>,
    /// Forget the backend NAME and its keys
    #[arg(long, value_name = "NAME", conflicts_with_all = ["line", "no_default"])]
    pub remove: Option<String>,
}

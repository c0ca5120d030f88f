//! Groups of flags that several verbs share: cargo's own with cargo's help, and those of cargo-cloud.

use std::path::PathBuf;

use clap::Args;
use protocol::CargoOptions;

/// Which project a command is about, and where its artifacts lie.
#[derive(Debug, Clone, Default, Args)]
pub struct ProjectArgs {
    /// The manifest that is named, instead of the nearest one above the current folder.
    #[arg(help = "Path to Cargo.toml", long, value_name = "PATH", help_heading = "Manifest Options")]
    pub manifest_path: Option<PathBuf>,
    /// Directory for all generated artifacts
    #[arg(long, value_name = "DIRECTORY", help_heading = "Compilation Options")]
    pub target_dir: Option<PathBuf>,
}

/// Which of the packages' features are switched on.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Feature Selection")]
pub struct FeatureSelection {
    /// Space or comma separated list of features to activate
    #[arg(short = 'F', long, value_name = "FEATURES")]
    features: Vec<String>,
    #[arg(help = "Activate all available features", long)]
    all_features: bool,
    /// Do not activate the `default` feature
    #[arg(long)]
    no_default_features: bool,
}

/// How cargo reads the manifest and the lock file.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Manifest Options")]
pub struct ManifestArgs {
    /// Ignore `rust-version` specification in packages
    #[arg(long)]
    ignore_rust_version: bool,
    #[command(flatten)]
    network: NetworkArgs,
}

/// Whether cargo may use the network and change the lock file.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Manifest Options")]
pub struct NetworkArgs {
    /// Assert that `Cargo.lock` will remain unchanged
    #[arg(long)]
    locked: bool,
    /// Run without accessing the network
    #[arg(long)]
    offline: bool,
    /// Equivalent to specifying both --locked and --offline
    #[arg(long)]
    frozen: bool,
}

/// The format of cargo's messages, and unstable flags.
#[derive(Debug, Clone, Args)]
pub struct MessageArgs {
    /// Error format [possible values: human, short, json, json-diagnostic-short, json-diagnostic-rendered-ansi,
    /// json-render-diagnostics]
    #[arg(long, value_name = "FMT")]
    message_format: Vec<String>,
    /// Unstable (nightly-only) flags to Cargo, see 'cargo -Z help' for details
    #[arg(short = 'Z', value_name = "FLAG")]
    unstable: Vec<String>,
}

/// Flags of cargo-cloud that cargo doesn't have.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Cloud Options")]
pub struct CloudArgs {
    /// Set a variable for the build; without VALUE, as it is here
    #[arg(long, value_name = "KEY[=VALUE]")]
    pub env: Vec<String>,
    /// Android API level [default: metadata.ndk.platform, else 24]
    #[arg(long, value_name = "LEVEL")]
    pub platform: Option<u32>,
    /// Start the build, print its id and exit; see `attach`
    #[arg(long)]
    pub detach: bool,
    /// Send the last git commit too, for build scripts that run git
    #[arg(long)]
    pub with_git: bool,
}

/// Splits names at commas and blanks, as cargo does.
fn split_names(list: &[String]) -> Vec<String> {
    let names = list.iter().flat_map(|names| names.split([',', ' ', '\t']));
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

impl FeatureSelection {
    /// Copies the flags to what the builder's cargo is called with.
    pub fn write(&self, options: &mut CargoOptions) {
        options.features = split_names(&self.features);
        options.all_features = self.all_features;
        options.no_default_features = self.no_default_features;
    }
}

impl ManifestArgs {
    /// Copies the flags to what the builder's cargo is called with.
    pub fn write(&self, options: &mut CargoOptions) {
        options.ignore_rust_version = self.ignore_rust_version;
        let NetworkArgs { locked, offline, frozen } = self.network;
        (options.locked, options.offline, options.frozen) = (locked, offline, frozen);
    }
}

impl MessageArgs {
    /// Copies the flags to what the builder's cargo is called with; cargo too ignores the case of a format.
    pub fn write(&self, options: &mut CargoOptions) {
        let formats = split_names(&self.message_format);
        options.message_format = formats.iter().map(|format| format.to_ascii_lowercase()).collect();
        options.unstable.clone_from(&self.unstable);
    }
}

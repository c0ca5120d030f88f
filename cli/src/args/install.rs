//! The flags of `install` and `uninstall`.

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use protocol::{CargoOptions, InstallRequest};

use super::crate_spec::{CrateSpec, crate_spec, crate_version};
use super::flag_groups::{FeatureSelection, ManifestArgs, MessageArgs, NetworkArgs};

/// The flags of `cargo cloud install`, which are cargo's, and three of cargo-cloud.
#[derive(Debug, Clone, Args)]
#[command(
    disable_version_flag = true,
    override_usage = "cargo cloud install [OPTIONS] [CRATE[@<VER>]]...",
    after_help = "Programs go into the folder `bin` of the first of these that is set: `--root`, CARGO_INSTALL_ROOT,
`install.root` in cargo's configuration, CARGO_HOME, ~/.cargo. `cargo install --list` lists them and
`cargo uninstall` removes them, as their namesakes here do."
)]
pub struct InstallArgs {
    /// Select the package from the given source
    #[arg(value_name = "CRATE[@<VER>]", value_parser = crate_spec, num_args = 0..)]
    crates: Vec<CrateSpec>,
    /// Specify a version to install
    #[arg(long, alias = "vers", value_name = "VERSION", value_parser = crate_version, requires = "crates")]
    version: Option<String>,
    /// Registry index to install from
    #[arg(long, value_name = "INDEX", requires = "crates", conflicts_with_all = ["git", "path", "registry"])]
    index: Option<String>,
    /// The registry that is named, instead of crates.io or the configured default.
    #[arg(help = "Registry to use", long, value_name = "REGISTRY", requires = "crates", conflicts_with_all = ["git", "path"])]
    pub registry: Option<String>,
    /// Git URL to install the specified crate from
    #[arg(long, value_name = "URL", conflicts_with = "path")]
    pub git: Option<String>,
    /// Branch to use when installing from git
    #[arg(long, value_name = "BRANCH", requires = "git")]
    branch: Option<String>,
    /// Tag to use when installing from git
    #[arg(long, value_name = "TAG", requires = "git")]
    tag: Option<String>,
    /// Specific commit to use when installing from git
    #[arg(long, value_name = "SHA", requires = "git")]
    rev: Option<String>,
    /// Filesystem path to local crate to install from
    #[arg(long, value_name = "PATH")]
    pub path: Option<PathBuf>,
    /// Directory to install packages into
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Force overwriting existing crates or binaries
    #[arg(short, long)]
    pub force: bool,
    /// Perform all checks without installing (unstable)
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Do not save tracking information
    #[arg(long)]
    pub no_track: bool,
    /// List all installed packages and their versions
    #[arg(long)]
    pub list: bool,
    #[command(flatten)]
    messages: MessageArgs,
    #[command(flatten)]
    manifest: ManifestArgs,

    /// Install only the specified binary
    #[arg(long, value_name = "NAME", help_heading = "Target Selection")]
    bin: Vec<String>,
    #[arg(help = "Install all binaries", long, help_heading = "Target Selection")]
    bins: bool,
    /// Install only the specified example
    #[arg(long, value_name = "NAME", help_heading = "Target Selection")]
    example: Vec<String>,
    #[arg(help = "Install all examples", long, help_heading = "Target Selection")]
    examples: bool,
    #[command(flatten)]
    features: FeatureSelection,

    /// Build in debug mode (with the 'dev' profile) instead of release mode
    #[arg(long, help_heading = "Compilation Options", conflicts_with = "profile")]
    debug: bool,
    /// Install artifacts with the specified profile
    #[arg(long, value_name = "PROFILE-NAME", help_heading = "Compilation Options")]
    profile: Option<String>,
    /// Number of parallel jobs on the builder
    #[arg(short, long, value_name = "N", allow_hyphen_values = true, help_heading = "Compilation Options")]
    jobs: Option<String>,
    /// Do not abort the build as soon as there is an error
    #[arg(long, help_heading = "Compilation Options")]
    keep_going: bool,
    /// Build for the target triple instead of this device
    #[arg(long, value_name = "TRIPLE", help_heading = "Compilation Options")]
    pub target: Vec<String>,
    /// Directory for the timing report
    #[arg(long, value_name = "DIRECTORY", help_heading = "Compilation Options")]
    pub target_dir: Option<PathBuf>,
    /// Output a build timing report at the end of the build
    #[arg(long, help_heading = "Compilation Options")]
    pub timings: bool,
    /// Set a variable for the build; without VALUE, as it is here
    #[arg(long, value_name = "KEY[=VALUE]", help_heading = "Cloud Options")]
    pub env: Vec<String>,
    /// Android API level [default: metadata.ndk.platform, else 24]
    #[arg(long, value_name = "LEVEL", help_heading = "Cloud Options")]
    pub platform: Option<u32>,
    /// Start the build, print its id and exit; see `attach`
    #[arg(long, help_heading = "Cloud Options")]
    pub detach: bool,
}

/// The flags of `cargo cloud uninstall`, which are cargo's.
#[derive(Debug, Clone, Args)]
#[command(after_help = "This works on this device alone, without a backend.")]
pub struct UninstallArgs {
    /// Packages to uninstall [default: the one of this folder]
    #[arg(value_name = "SPEC")]
    spec: Vec<String>,
    /// Directory to uninstall packages from
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    #[arg(help = "Package to uninstall", short, long, value_name = "SPEC", help_heading = "Package Selection")]
    package: Vec<String>,
    /// Only uninstall the binary NAME
    #[arg(long, value_name = "NAME", help_heading = "Target Selection")]
    pub bin: Vec<String>,
    // Accepted as cargo does; uninstalling fetches nothing.
    #[command(flatten)]
    _network: NetworkArgs,
}

impl InstallArgs {
    /// Refuses flags that cargo refuses before it reads any file, in cargo's words.
    pub fn check(&self) -> anyhow::Result<()> {
        if self.version.is_some() && self.crates.iter().any(|spec| spec.version.is_some()) {
            bail!("cannot specify both `@<VERSION>` and `--version <VERSION>`");
        }
        self.crates.iter().try_for_each(CrateSpec::check_name)?;
        if let Some(url) = self.git.as_ref().filter(|url| !url.contains("://")) {
            let advice = match url.split_once(':') {
                Some((host, path)) if host.contains('@') => format!("; try using `ssh://{host}/{path}` instead"),
                _ => String::new(),
            };
            bail!("invalid url `{url}`: relative URL without a base{advice}");
        }
        if self.target.len() > 1 {
            bail!("only one `--target` argument is supported");
        }
        Ok(())
    }

    /// Whether no crate, repository or folder is named.
    pub fn names_nothing(&self) -> bool {
        self.crates.is_empty() && self.git.is_none() && self.path.is_none()
    }

    /// The names of the crates in the order typed.
    pub fn names(&self) -> Vec<&str> {
        self.crates.iter().map(|spec| spec.name.as_str()).collect()
    }

    /// The flags that only `install` has, without those that only matter on the device.
    pub fn request(&self) -> InstallRequest {
        InstallRequest {
            crates: self.crates.iter().map(CrateSpec::text).collect(),
            version: self.version.clone(),
            git: self.git.clone(),
            branch: self.branch.clone(),
            tag: self.tag.clone(),
            rev: self.rev.clone(),
            index: self.index.clone(),
            registry: self.registry.clone(),
            path: self.path.is_some(),
            force: self.force,
            no_track: self.no_track,
            debug: self.debug,
            dry_run: self.dry_run,
            ..InstallRequest::default()
        }
    }

    /// Cargo's flags that `install` shares with `build`.
    pub fn options(&self) -> CargoOptions {
        let mut options = CargoOptions {
            bin: self.bin.clone(),
            bins: self.bins,
            example: self.example.clone(),
            examples: self.examples,
            profile: self.profile.clone(),
            jobs: self.jobs.clone(),
            keep_going: self.keep_going,
            timings: self.timings,
            ..CargoOptions::default()
        };
        self.features.write(&mut options);
        self.messages.write(&mut options);
        self.manifest.write(&mut options);
        options
    }
}

impl UninstallArgs {
    /// Package specifications to uninstall; empty for the package of this folder.
    pub fn specs(&self) -> &[String] {
        if self.spec.is_empty() { &self.package } else { &self.spec }
    }
}

//! What of a project a command is about: packages, the targets in them, and features. A flag that chooses one (`--bin`) may come
//! without a value, which is sent as an empty one: cargo then lists what there is to choose from.

use clap::Args;
use protocol::CargoOptions;

use super::flag_groups::FeatureSelection;

/// The flags of one verb that select packages, targets and features. Cargo's verbs differ in them, and in nothing else that they share.
pub trait SelectionArgs: Args {
    /// Copies the flags to what the builder's cargo is called with.
    fn write(&self, options: &mut CargoOptions);
}

/// Packages and targets as `build`, `check`, `clippy`, `test` and `bench` select them.
#[derive(Debug, Clone, Args)]
pub struct WholeSelection {
    #[command(flatten)]
    packages: PackageSelection,
    #[command(flatten)]
    targets: TargetSelection,
    #[command(flatten)]
    features: FeatureSelection,
}

/// Packages and targets as `doc` selects them: libraries and what can be run.
#[derive(Debug, Clone, Args)]
pub struct DocSelection {
    #[command(flatten)]
    packages: PackageSelection,
    // Cargo lists features before targets here.
    #[command(flatten)]
    features: FeatureSelection,
    #[command(flatten)]
    targets: DocTargetSelection,
}

/// The one program that `run` starts.
#[derive(Debug, Clone, Args)]
pub struct ProgramSelection {
    /// Package with the target to run
    #[arg(short, long, value_name = "SPEC", num_args = 0..=1, default_missing_value = "", help_heading = "Package Selection")]
    package: Option<String>,
    /// Name of the bin target to run
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "", help_heading = "Target Selection")]
    bin: Vec<String>,
    /// Name of the example target to run
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "", help_heading = "Target Selection")]
    example: Vec<String>,
    #[command(flatten)]
    features: FeatureSelection,
}

/// Which packages of the workspace the command is about.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Package Selection")]
struct PackageSelection {
    /// Package to work on (see `cargo help pkgid`)
    #[arg(short, long, value_name = "SPEC", num_args = 0..=1, default_missing_value = "")]
    package: Vec<String>,
    /// All packages in the workspace
    #[arg(long, visible_alias = "all")]
    workspace: bool,
    #[arg(help = "Exclude packages", long, value_name = "SPEC")]
    exclude: Vec<String>,
}

/// Which libraries, programs, tests and benchmarks of the packages the command is about.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Target Selection")]
struct TargetSelection {
    #[arg(help = "Only this package's library", long)]
    lib: bool,
    #[arg(help = "All binaries", long)]
    bins: bool,
    #[arg(help = "Only the specified binary", long, value_name = "NAME", num_args = 0..=1, default_missing_value = "")]
    bin: Vec<String>,
    #[arg(help = "All examples", long)]
    examples: bool,
    #[arg(help = "Only the specified example", long, value_name = "NAME", num_args = 0..=1, default_missing_value = "")]
    example: Vec<String>,
    /// All targets that have `test = true` set
    #[arg(long)]
    tests: bool,
    /// Only the specified test target
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "")]
    test: Vec<String>,
    /// All targets that have `bench = true` set
    #[arg(long)]
    benches: bool,
    /// Only the specified bench target
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "")]
    bench: Vec<String>,
    #[arg(help = "All targets", long)]
    all_targets: bool,
}

/// Which libraries and programs are documented.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Target Selection")]
struct DocTargetSelection {
    /// Document only this package's library
    #[arg(long)]
    lib: bool,
    #[arg(help = "Document all binaries", long)]
    bins: bool,
    /// Document only the specified binary
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "")]
    bin: Vec<String>,
    #[arg(help = "Document all examples", long)]
    examples: bool,
    /// Document only the specified example
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "")]
    example: Vec<String>,
}

impl PackageSelection {
    fn write(&self, options: &mut CargoOptions) {
        options.package.clone_from(&self.package);
        options.workspace = self.workspace;
        options.exclude.clone_from(&self.exclude);
    }
}

impl SelectionArgs for WholeSelection {
    fn write(&self, options: &mut CargoOptions) {
        self.packages.write(options);
        self.features.write(options);
        let targets = &self.targets;
        (options.lib, options.bins, options.examples) = (targets.lib, targets.bins, targets.examples);
        (options.tests, options.benches, options.all_targets) = (targets.tests, targets.benches, targets.all_targets);
        options.bin.clone_from(&targets.bin);
        options.example.clone_from(&targets.example);
        options.test.clone_from(&targets.test);
        options.bench.clone_from(&targets.bench);
    }
}

impl SelectionArgs for DocSelection {
    fn write(&self, options: &mut CargoOptions) {
        self.packages.write(options);
        self.features.write(options);
        let targets = &self.targets;
        (options.lib, options.bins, options.examples) = (targets.lib, targets.bins, targets.examples);
        options.bin.clone_from(&targets.bin);
        options.example.clone_from(&targets.example);
    }
}

impl SelectionArgs for ProgramSelection {
    fn write(&self, options: &mut CargoOptions) {
        self.features.write(options);
        options.package = self.package.iter().cloned().collect();
        options.bin.clone_from(&self.bin);
        options.example.clone_from(&self.example);
    }
}

//! The flags of `test` and `bench`.

use clap::Args;
use protocol::{CargoOptions, Command};

use super::BuildCommand;
use super::flags::{
    CloudArgs, CompilationArgs, FeatureSelection, ManifestArgs, MessageArgs, PackageSelection, ProjectArgs,
    TargetSelection,
};

/// What `test` and `bench` have in common.
#[derive(Debug, Clone, Default, Args)]
pub struct Harness {
    /// Compile, but don't run
    #[arg(long)]
    no_run: bool,
    /// Run all, whatever fails
    #[arg(long)]
    no_fail_fast: bool,
    /// Cargo refuses it too
    #[arg(long, hide = true)]
    keep_going: bool,
    #[command(flatten)]
    packages: PackageSelection,
    #[command(flatten)]
    targets: TargetSelection,
    #[command(flatten)]
    features: FeatureSelection,
    #[command(flatten)]
    compilation: CompilationArgs,
    #[command(flatten)]
    messages: MessageArgs,
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    manifest: ManifestArgs,
    #[command(flatten)]
    cloud: CloudArgs,
}

/// Options of `test`.
#[derive(Debug, Clone, Default, Args)]
pub struct TestArgs {
    /// If specified, only run tests containing this string in their names
    #[arg(value_name = "TESTNAME")]
    name: Option<String>,
    #[command(flatten)]
    harness: Harness,
    /// Test only this library's documentation
    #[arg(long, help_heading = "Target Selection")]
    doc: bool,
    /// Build artifacts in release mode, with optimizations
    #[arg(short, long, help_heading = "Compilation Options", conflicts_with = "profile")]
    release: bool,
    /// Outputs a future incompatibility report at the end of the build
    #[arg(long)]
    future_incompat_report: bool,
    /// Arguments for the test binary
    #[arg(last = true, value_name = "ARGS", num_args = 0..)]
    args: Vec<String>,
}

/// Options of `bench`.
#[derive(Debug, Clone, Default, Args)]
pub struct BenchArgs {
    /// If specified, only run benches containing this string in their names
    #[arg(value_name = "BENCHNAME")]
    name: Option<String>,
    #[command(flatten)]
    harness: Harness,
    /// Arguments for the bench binary
    #[arg(last = true, value_name = "ARGS", num_args = 0..)]
    args: Vec<String>,
}

impl Harness {
    fn asked(&self, command: Command, name: Option<&String>, args: &[String]) -> anyhow::Result<BuildCommand> {
        if self.keep_going {
            anyhow::bail!(
                "unexpected argument `--keep-going` found; to run as many as possible whatever fails, use `--no-fail-fast`"
            );
        }
        let mut options =
            CargoOptions { no_run: self.no_run, no_fail_fast: self.no_fail_fast, ..CargoOptions::default() };
        self.packages.write(&mut options);
        self.targets.write(&mut options);
        self.features.write(&mut options);
        self.compilation.write(&mut options);
        self.messages.write(&mut options);
        self.manifest.write(&mut options);
        Ok(BuildCommand {
            targets: self.compilation.target.clone(),
            filter: name.cloned(),
            args: args.to_vec(),
            project: self.project.clone(),
            cloud: self.cloud.clone(),
            ..BuildCommand::new(command, options)
        })
    }
}

impl TestArgs {
    /// What it comes to.
    ///
    /// # Errors
    /// For what cargo refuses.
    pub fn build_command(&self) -> anyhow::Result<BuildCommand> {
        let mut asked = self.harness.asked(Command::Test, self.name.as_ref(), &self.args)?;
        (asked.options.doc, asked.options.release) = (self.doc, self.release);
        asked.options.future_incompat_report = self.future_incompat_report;
        Ok(asked)
    }
}

impl BenchArgs {
    /// What it comes to.
    ///
    /// # Errors
    /// For what cargo refuses.
    pub fn build_command(&self) -> anyhow::Result<BuildCommand> {
        self.harness.asked(Command::Bench, self.name.as_ref(), &self.args)
    }
}

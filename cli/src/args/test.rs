//! The flags of `test` and `bench`.

use clap::Args;
use protocol::Command;

use super::BuildCommand;
use super::compile::{CompileArgs, refused};

/// Cargo's advice to who wants all tests in spite of failures.
const NO_FAIL_FAST: &str = "use `--no-fail-fast` to run as many tests as possible regardless of failure";

/// The flags that `test` and `bench` share.
#[derive(Debug, Clone, Args)]
#[command(mut_arg("keep_going", |flag| refused(flag, NO_FAIL_FAST)))]
struct HarnessArgs {
    /// Compile, but don't run tests
    #[arg(long)]
    no_run: bool,
    /// Run all tests regardless of failure
    #[arg(long)]
    no_fail_fast: bool,
    #[command(flatten)]
    compile: CompileArgs,
}

/// The flags of `cargo cloud test`, which are cargo's.
#[derive(Debug, Clone, Args)]
pub struct TestArgs {
    /// If specified, only run tests containing this string in their names
    #[arg(value_name = "TESTNAME")]
    name: Option<String>,
    #[command(flatten)]
    harness: HarnessArgs,
    /// Test only this library's documentation
    #[arg(long, help_heading = "Target Selection")]
    doc: bool,
    /// Outputs a future incompatibility report at the end of the build
    #[arg(long)]
    future_incompat_report: bool,
    /// Arguments for the test binary
    #[arg(last = true, value_name = "ARGS", num_args = 0..)]
    args: Vec<String>,
}

/// The flags of `cargo cloud bench`, which are cargo's.
#[derive(Debug, Clone, Args)]
#[command(
    mut_arg("no_run", |flag| flag.help("Compile, but don't run benchmarks")),
    mut_arg("no_fail_fast", |flag| flag.help("Run all benchmarks regardless of failure")),
    mut_arg("release", |flag| refused(flag, "benchmarks are built with optimizations; instead `--profile` is supported")),
)]
pub struct BenchArgs {
    /// If specified, only run benches containing this string in their names
    #[arg(value_name = "BENCHNAME")]
    name: Option<String>,
    #[command(flatten)]
    harness: HarnessArgs,
    /// Arguments for the bench binary
    #[arg(last = true, value_name = "ARGS", num_args = 0..)]
    args: Vec<String>,
}

impl HarnessArgs {
    fn build_command(&self, command: Command) -> BuildCommand {
        let mut harness = self.compile.build_command(command);
        harness.options.no_run = self.no_run;
        harness.options.no_fail_fast = self.no_fail_fast;
        harness
    }
}

impl TestArgs {
    /// The tests that the flags ask for.
    pub fn build_command(&self) -> BuildCommand {
        let harness = self.harness.build_command(Command::Test);
        let mut test = BuildCommand { filter: self.name.clone(), args: self.args.clone(), ..harness };
        test.options.doc = self.doc;
        test.options.future_incompat_report = self.future_incompat_report;
        test
    }
}

impl BenchArgs {
    /// The benchmarks that the flags ask for.
    pub fn build_command(&self) -> BuildCommand {
        let harness = self.harness.build_command(Command::Bench);
        BuildCommand { filter: self.name.clone(), args: self.args.clone(), ..harness }
    }
}

//! Runs programs and tests on this device, as cargo would, if the builder can't run their target.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use anyhow::{Context, bail};
use protocol::{FileKind, PackageRef, Request, TargetKind, TargetRef};

use super::deliver::PlacedProgram;
use super::plan::Workspace;
use crate::device;
use crate::terminal::Shell;

/// The exit code of cargo, and of a test harness, when a test failed.
const TESTS_FAILED: u8 = 101;

/// Cargo's name for the tests inside a crate.
const UNIT_TESTS: &str = "unittests";

/// A program to run, with what its manifest says of it.
struct Runnable<'a> {
    path: &'a Path,
    name: &'a str,
    kind: &'a str,
    package: &'a PackageRef,
    tested: Option<&'a TargetRef>,
}

/// Runs the delivered programs. Returns the exit code.
///
/// # Errors
/// If one is for another kind of machine, or can't be started.
pub fn run(shell: &Shell, workspace: &Workspace, request: &Request, programs: &[PlacedProgram]) -> anyhow::Result<u8> {
    let here = device::triple();
    let runnables: Vec<Runnable> = programs.iter().filter_map(runnable).collect();
    for program in programs {
        if let FileKind::Executable { name, target: Some(target), .. } = &program.file.kind
            && !here.as_deref().is_some_and(|here| protocol::runs_on(here, target))
        {
            bail!(
                "`{name}` is built for {target}, which neither the builder nor this device can run; it is in `{}`",
                program.path.display()
            );
        }
    }
    shell.clear();
    if request.command == protocol::Command::Run {
        return run_program(shell, workspace, request, &runnables);
    }
    run_harnesses(shell, workspace, request, &runnables)
}

/// Lists the test harnesses that were built with `--no-run`, as cargo does.
pub fn list(shell: &Shell, workspace: &Workspace, request: &Request, programs: &[PlacedProgram]) {
    let units = if request.command == protocol::Command::Bench { "benches" } else { UNIT_TESTS };
    let harness = |program: &Runnable| matches!(program.kind, "test" | "bench");
    for program in programs.iter().filter_map(runnable).filter(harness) {
        shell.status("Executable", program.description(workspace, units));
    }
}

impl Runnable<'_> {
    /// Cargo's description, such as `unittests src/lib.rs (target/debug/deps/tool-0123)`.
    fn description(&self, workspace: &Workspace, units: &str) -> String {
        let what = match self.tested {
            Some(TargetRef { kind: TargetKind::Test | TargetKind::Bench, source }) => source.clone(),
            Some(TargetRef { source, .. }) => format!("{units} {source}"),
            None => self.name.to_owned(),
        };
        format!("{what} ({})", relative(workspace, self.path))
    }
}

fn runnable(program: &PlacedProgram) -> Option<Runnable<'_>> {
    let FileKind::Executable { name, target_kind, package, tested, .. } = &program.file.kind else { return None };
    Some(Runnable { path: &program.path, name, kind: target_kind, package, tested: tested.as_ref() })
}

/// Replaces this process by the program, as cargo does on Unix: signals and the terminal are the program's.
fn run_program(shell: &Shell, workspace: &Workspace, request: &Request, programs: &[Runnable]) -> anyhow::Result<u8> {
    let [program] = programs else { bail!("the builder sent {} programs to run, not one", programs.len()) };
    let shown = relative(workspace, program.path);
    let args = request.details.args.iter().map(|arg| format!(" {arg}")).collect::<String>();
    shell.status("Running", format!("`{shown}{args}`"));
    let error = Command::new(program.path).args(&request.details.args).envs(variables(workspace, program)).exec();
    Err(error).with_context(|| format!("could not run `{shown}`"))
}

/// Runs test harnesses one after the other, each in its package's folder, until one fails.
fn run_harnesses(shell: &Shell, workspace: &Workspace, request: &Request, programs: &[Runnable]) -> anyhow::Result<u8> {
    let binaries: Vec<_> = programs.iter().filter(|program| program.kind == "bin").collect();
    let mut failed = Vec::new();
    for program in programs.iter().filter(|program| matches!(program.kind, "test" | "bench")) {
        shell.status("Running", program.description(workspace, UNIT_TESTS));
        let mut command = Command::new(program.path);
        if request.command == protocol::Command::Bench {
            command.arg("--bench");
        }
        for binary in binaries.iter().filter(|binary| binary.package == program.package) {
            command.env(format!("CARGO_BIN_EXE_{}", binary.name), binary.path);
        }
        // Cargo puts the filter in front of the other arguments.
        command.args(&request.details.filter).args(&request.details.args);
        command.envs(variables(workspace, program)).current_dir(folder(workspace, program));
        let status = command.status().with_context(|| format!("could not run `{}`", program.path.display()))?;
        if !status.success() {
            let flag = selecting_flag(program);
            if !request.options.no_fail_fast {
                shell.error(format!("{} failed, to rerun pass `{flag}`{}", request.command, unusual_status(status)));
                return Ok(TESTS_FAILED);
            }
            failed.push(flag);
        }
    }
    if request.command == protocol::Command::Test {
        shell.note("documentation tests run only on the builder, which can't run programs for this target");
    }
    if failed.is_empty() {
        return Ok(0);
    }
    let list = failed.iter().map(|flag| format!("\n    `{flag}`")).collect::<String>();
    let noun = if failed.len() == 1 { "target" } else { "targets" };
    shell.error(format!("{} {noun} failed:{list}", failed.len()));
    Ok(TESTS_FAILED)
}

/// Cargo's flag that selects a harness.
fn selecting_flag(program: &Runnable) -> String {
    let flag = match program.tested.map(|tested| tested.kind) {
        Some(TargetKind::Lib) => return "--lib".to_owned(),
        Some(TargetKind::Test) => "--test",
        Some(TargetKind::Bench) => "--bench",
        Some(TargetKind::Example) => "--example",
        Some(TargetKind::Bin) | None => "--bin",
    };
    format!("{flag} {}", program.name)
}

/// What cargo adds to the message about a harness that didn't end with its own exit code for failed tests.
fn unusual_status(status: ExitStatus) -> String {
    if status.code() == Some(i32::from(TESTS_FAILED)) {
        return String::new();
    }
    format!("\n\nCaused by:\n  process didn't exit successfully: {status}")
}

fn folder(workspace: &Workspace, program: &Runnable) -> PathBuf {
    workspace.project.top.join(&program.package.directory)
}

/// The variables that cargo sets for programs at run time (source: doc.rust-lang.org/cargo, "Environment Variables"), as far
/// as their values are known here.
fn variables(workspace: &Workspace, program: &Runnable) -> Vec<(&'static str, String)> {
    let folder = folder(workspace, program);
    let PackageRef { name, version, .. } = program.package;
    vec![
        ("CARGO_MANIFEST_DIR", folder.display().to_string()),
        ("CARGO_MANIFEST_PATH", folder.join("Cargo.toml").display().to_string()),
        ("CARGO_PKG_NAME", name.clone()),
        ("CARGO_PKG_VERSION", version.clone()),
    ]
}

/// A path as the user sees it from where the command was typed.
fn relative(workspace: &Workspace, path: &Path) -> String {
    path.strip_prefix(&workspace.cwd).unwrap_or(path).display().to_string()
}

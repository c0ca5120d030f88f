//! What was built for this device and could not run on the builder, run here, as cargo would.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use anyhow::{Context, bail};
use protocol::{FileKind, PackageRef, Request, TargetKind, TargetRef};

use crate::device;
use crate::pipeline::deliver::completion::LeftProgram;
use crate::pipeline::plan::Workspace;
use crate::project::documented;
use crate::terminal::Shell;

/// What cargo exits with when a test failed.
const FAILED: u8 = 101;

/// What cargo calls the tests inside a crate.
const UNITS: &str = "unittests";

/// A program and what is known of it.
struct Runnable<'a> {
    place: &'a Path,
    name: &'a str,
    kind: &'a str,
    package: &'a PackageRef,
    tested: Option<&'a TargetRef>,
}

/// Runs the programs that came back. Returns the exit code.
///
/// # Errors
/// When they are for another kind of machine, or can't be started.
pub fn run(shell: &Shell, workspace: &Workspace, request: &Request, programs: &[LeftProgram]) -> anyhow::Result<u8> {
    let here = device::triple();
    let runnables: Vec<Runnable> = programs.iter().filter_map(runnable).collect();
    for program in programs {
        if let FileKind::Executable { name, target: Some(target), .. } = &program.file.kind
            && !here.as_deref().is_some_and(|here| protocol::runs_on(here, target))
        {
            bail!(
                "`{name}` is built for {target}, which neither the builder nor this device can run; it lies in `{}`",
                program.place.display()
            );
        }
    }
    shell.clear();
    if request.command == protocol::Command::Run {
        return run_program(shell, workspace, request, &runnables);
    }
    run_harnesses(shell, workspace, request, &runnables)
}

/// Names the harnesses that were built and are not to be run, as cargo does.
pub fn list(shell: &Shell, workspace: &Workspace, request: &Request, programs: &[LeftProgram]) {
    let units = if request.command == protocol::Command::Bench { "benches" } else { UNITS };
    let harness = |program: &Runnable| matches!(program.kind, "test" | "bench");
    for program in programs.iter().filter_map(runnable).filter(harness) {
        shell.status("Executable", program.described(workspace, units));
    }
}

impl Runnable<'_> {
    /// `unittests src/lib.rs (target/debug/deps/tool-0123)`.
    fn described(&self, workspace: &Workspace, units: &str) -> String {
        let what = match self.tested {
            Some(TargetRef { kind: TargetKind::Test | TargetKind::Bench, source }) => source.clone(),
            Some(TargetRef { source, .. }) => format!("{units} {source}"),
            None => self.name.to_owned(),
        };
        format!("{what} ({})", shown(workspace, self.place))
    }
}

fn runnable(program: &LeftProgram) -> Option<Runnable<'_>> {
    let FileKind::Executable { name, target_kind, package, tested, .. } = &program.file.kind else { return None };
    Some(Runnable { place: &program.place, name, kind: target_kind, package, tested: tested.as_ref() })
}

/// In the place of this process, as cargo runs a program on Unix: signals and the terminal are the program's.
fn run_program(shell: &Shell, workspace: &Workspace, request: &Request, programs: &[Runnable]) -> anyhow::Result<u8> {
    let [program] = programs else { bail!("the builder sent {} programs to run, not one", programs.len()) };
    let shown = shown(workspace, program.place);
    let args = request.details.args.iter().map(|arg| format!(" {arg}")).collect::<String>();
    shell.status("Running", format!("`{shown}{args}`"));
    let error = Command::new(program.place).args(&request.details.args).envs(variables(workspace, program)).exec();
    Err(error).with_context(|| format!("could not run `{shown}`"))
}

/// One after the other, in their packages' folders, until one fails.
fn run_harnesses(shell: &Shell, workspace: &Workspace, request: &Request, programs: &[Runnable]) -> anyhow::Result<u8> {
    let binaries: Vec<_> = programs.iter().filter(|program| program.kind == "bin").collect();
    let mut failed = Vec::new();
    for program in programs.iter().filter(|program| matches!(program.kind, "test" | "bench")) {
        shell.status("Running", program.described(workspace, UNITS));
        let mut command = Command::new(program.place);
        if request.command == protocol::Command::Bench {
            command.arg("--bench");
        }
        for binary in binaries.iter().filter(|binary| binary.package == program.package) {
            command.env(format!("CARGO_BIN_EXE_{}", binary.name), binary.place);
        }
        // Cargo puts the name in front of the harness's other arguments.
        command.args(&request.details.filter).args(&request.details.args);
        command.envs(variables(workspace, program)).current_dir(folder(workspace, program));
        let status = command.status().with_context(|| format!("could not run `{}`", program.place.display()))?;
        if !status.success() {
            let flag = selecting(program);
            if !request.options.no_fail_fast {
                shell.error(format!("{} failed, to rerun pass `{flag}`{}", request.command, how(status)));
                return Ok(FAILED);
            }
            failed.push(flag);
        }
    }
    if request.command == protocol::Command::Test {
        shell.note("documentation tests run on the builder only, and it can't run programs for this target");
    }
    if failed.is_empty() {
        return Ok(0);
    }
    let list = failed.iter().map(|flag| format!("\n    `{flag}`")).collect::<String>();
    let noun = if failed.len() == 1 { "target" } else { "targets" };
    shell.error(format!("{} {noun} failed:{list}", failed.len()));
    Ok(FAILED)
}

/// The flag of cargo's that chooses a harness.
fn selecting(program: &Runnable) -> String {
    let flag = match program.tested.map(|tested| tested.kind) {
        Some(TargetKind::Lib) => return "--lib".to_owned(),
        Some(TargetKind::Test) => "--test",
        Some(TargetKind::Bench) => "--bench",
        Some(TargetKind::Example) => "--example",
        Some(TargetKind::Bin) | None => "--bin",
    };
    format!("{flag} {}", program.name)
}

fn how(status: ExitStatus) -> String {
    if status.code() == Some(i32::from(FAILED)) {
        return String::new();
    }
    format!("\n\nCaused by:\n  process didn't exit successfully: {status}")
}

fn folder(workspace: &Workspace, program: &Runnable) -> PathBuf {
    workspace.project.top.join(&program.package.directory)
}

/// What cargo tells programs of their package at run time (doc.rust-lang.org/cargo, environment variables), as far as
/// it is known here.
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

fn shown(workspace: &Workspace, program: &Path) -> String {
    program.strip_prefix(&workspace.cwd).unwrap_or(program).display().to_string()
}

/// Opens the documentation of what was documented in the device's browser.
pub fn open_documentation(shell: &Shell, workspace: &Workspace, request: &Request) -> anyhow::Result<()> {
    let triple = request.options.target.first();
    let folder = triple.map_or(workspace.target_dir.clone(), |triple| workspace.target_dir.join(triple)).join("doc");
    let options = &request.options;
    let crates = documented(&workspace.project, &options.package, options.workspace);
    let mut pages = crates.iter().map(|name| folder.join(name).join("index.html"));
    let Some(page) = pages.find(|page| page.is_file()) else {
        bail!("there is no page to open for {}; look into `{}`", crates.join(", "), folder.display());
    };
    shell.status("Opening", page.display());
    let browser = std::env::var_os("BROWSER").filter(|browser| !browser.is_empty());
    let usual = if cfg!(target_os = "macos") {
        "open"
    } else if cfg!(target_os = "android") {
        "termux-open"
    } else {
        "xdg-open"
    };
    let program = browser.unwrap_or_else(|| usual.into());
    let status = Command::new(&program)
        .arg(&page)
        .status()
        .with_context(|| format!("could not start `{}`; set BROWSER to a browser", program.display()))?;
    if !status.success() {
        bail!("`{}` could not open `{}`: {status}", program.display(), page.display());
    }
    Ok(())
}

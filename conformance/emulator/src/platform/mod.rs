//! `aws-emulator platform`: the whole test of the platform, from `terraform init` to an empty account.

mod account;
mod alone;
mod binaries;
mod calls;
mod python;
mod report;
mod terraform;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use clap::Args;
use rustix::process::{Pid, kill_process_group};
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

use crate::platform_file::PlatformFile;
use account::{MotoAccount, REGION};
pub use alone::{AccountOptions, run as account};
use report::PlatformReport;
use terraform::Terraform;

/// The root folder of this project.
const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The options of `aws-emulator platform`.
#[derive(Args)]
pub struct PlatformOptions {
    /// The folder for everything about this run: the Terraform state, platform.json, recorded calls
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// The folder with the functions' binaries: compile, connect, disconnect, relay [default: this program's own]
    #[arg(long, value_name = "FOLDER")]
    lambdas: Option<PathBuf>,
    /// The command is the whole suite: fail for every grant that it never used
    #[arg(long)]
    whole: bool,
    /// The command to run against the platform, with CONFORMANCE_PLATFORM=DIR
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// A process group that is killed when this is dropped.
struct ProcessGroup(Pid);

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        // The group may have ended already.
        let _ = kill_process_group(self.0, rustix::process::Signal::KILL);
    }
}

/// Applies the configuration, runs the command, checks the result, and destroys everything. It leaves no process behind,
/// even when it is interrupted.
pub async fn run(options: PlatformOptions) -> Result<ExitCode> {
    let mut report = PlatformReport::default();
    let mut terminate = signal(SignalKind::terminate()).context("no signals")?;
    tokio::select! {
        done = test(&options, &mut report) => done?,
        _ = tokio::signal::ctrl_c() => bail!("interrupted"),
        _ = terminate.recv() => bail!("terminated"),
    }
    Ok(report.close())
}

async fn test(options: &PlatformOptions, report: &mut PlatformReport) -> Result<()> {
    let me = std::env::current_exe().context("this program's own path is unknown")?;
    let binaries = match &options.lambdas {
        Some(folder) => folder.clone(),
        None => me.parent().context("this program is in no folder")?.to_owned(),
    };
    std::fs::create_dir_all(&options.dir).with_context(|| format!("{} can't be made", options.dir.display()))?;
    let dir = options.dir.canonicalize().with_context(|| format!("{} can't be found", options.dir.display()))?;
    let packages = binaries::package(&binaries, &dir).await?;
    let python = python::environment().await?;
    let account = MotoAccount::start(&python, None).await?;

    let terraform = Terraform::prepare(&dir, &account)?;
    report.time("init", terraform.init()).await?;
    report.time("validate", terraform.validate()).await?;
    report.time("apply", terraform.apply()).await?;
    report.say(&format!("{} resources", terraform.resources().await?));
    describe(&terraform, &account, &packages, &dir).await?.write(&dir)?;
    report.passed("the configuration can be applied");

    let (program, arguments) = options.command.split_first().context("no command")?;
    let suite = Command::new(program)
        .args(arguments)
        .env("CONFORMANCE_PLATFORM", &dir)
        .env("CONFORMANCE_EMULATOR", &me)
        .kill_on_drop(true)
        .status();
    let status = report.time("suite", async { suite.await.context("the command doesn't start") }).await?;
    report.check("the command succeeded", if status.success() { vec![] } else { vec![status.to_string()] });

    calls::check(&dir, options.whole, report)?;
    let changes = report.time("second plan", terraform.changes()).await?;
    report.check("a second plan changes nothing", changes);
    report.check("two deployments in one account share no name", terraform.shared_names().await?);
    report.time("destroy", terraform.destroy()).await?;
    report.check("destroying leaves no resource", account.remaining().await?);
    Ok(())
}

/// What scenarios need to know about the platform.
async fn describe(
    terraform: &Terraform,
    account: &MotoAccount,
    packages: &binaries::FunctionPrograms,
    dir: &Path,
) -> Result<PlatformFile> {
    let outputs = terraform.outputs().await?;
    let functions = outputs.get("functions").and_then(|names| names.as_object()).context("no output `functions`")?;
    let functions = functions.iter().map(|(what, name)| {
        let name = name.as_str().with_context(|| format!("the function {what} has no name"))?;
        Ok((name.to_owned(), packages.program(what)?.to_owned()))
    });
    let functions = functions.collect::<Result<_>>()?;
    let devices = account.devices(outputs.get("devices").context("no output `devices`")?).await?;
    std::fs::create_dir_all(dir.join("calls")).context("no folder for calls")?;
    let account_id = account.id().await?;
    Ok(PlatformFile {
        control: account.control,
        account: account_id,
        region: REGION.to_owned(),
        outputs,
        functions,
        devices,
    })
}

/// Runs a program and returns what it printed; the error of a failure contains all of its output. When this future is
/// dropped, the program is killed with everything that it started: Terraform's providers would outlive it otherwise.
async fn output_of(command: &mut Command) -> Result<String> {
    let shown = format!("{:?}", command.as_std().get_program());
    command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().with_context(|| format!("{shown} doesn't start"))?;
    let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed())).map(ProcessGroup);
    let output = child.wait_with_output().await.with_context(|| format!("{shown} can't be waited for"))?;
    // From here on another process may have its number.
    std::mem::forget(group);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        bail!("{shown} failed:\n{text}{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(text)
}

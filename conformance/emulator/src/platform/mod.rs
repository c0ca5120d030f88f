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
use account::{Account, REGION};
pub use alone::{AccountOptions, run as account};
use report::Report;
use terraform::Terraform;

/// Where this project is.
const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// What `platform` is told.
#[derive(Args)]
pub struct Options {
    /// Where everything about this run is kept: the Terraform state, platform.json, recorded calls
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// The folder with the functions' binaries: compile, connect, disconnect, relay [default: this program's own]
    #[arg(long, value_name = "FOLDER")]
    lambdas: Option<PathBuf>,
    /// The command is the whole suite: a grant that it never used is a failure
    #[arg(long)]
    whole: bool,
    /// What to run against the platform, with CONFORMANCE_PLATFORM=DIR
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// A process group that ends with this.
struct Group(Pid);

impl Drop for Group {
    fn drop(&mut self) {
        // It may just have ended.
        let _ = kill_process_group(self.0, rustix::process::Signal::KILL);
    }
}

/// Applies, runs the command, checks, destroys. Interrupted, it leaves no process behind.
pub async fn run(options: Options) -> Result<ExitCode> {
    let mut report = Report::default();
    let mut terminate = signal(SignalKind::terminate()).context("no signals")?;
    tokio::select! {
        done = test(&options, &mut report) => done?,
        _ = tokio::signal::ctrl_c() => bail!("interrupted"),
        _ = terminate.recv() => bail!("terminated"),
    }
    Ok(report.close())
}

async fn test(options: &Options, report: &mut Report) -> Result<()> {
    let me = std::env::current_exe().context("this program's own path is unknown")?;
    let binaries = match &options.lambdas {
        Some(folder) => folder.clone(),
        None => me.parent().context("this program is in no folder")?.to_owned(),
    };
    std::fs::create_dir_all(&options.dir).with_context(|| format!("{} can't be made", options.dir.display()))?;
    let dir = options.dir.canonicalize().with_context(|| format!("{} can't be found", options.dir.display()))?;
    let packages = binaries::package(&binaries, &dir).await?;
    let python = python::environment().await?;
    let account = Account::start(&python, None).await?;

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
    report.check("the command ended well", if status.success() { vec![] } else { vec![status.to_string()] });

    calls::check(&dir, options.whole, report)?;
    let changes = report.time("second plan", terraform.changes()).await?;
    report.check("a second plan changes nothing", changes);
    report.check("another deployment in the account shares no name", terraform.shared_names().await?);
    report.time("destroy", terraform.destroy()).await?;
    report.check("destroying leaves nothing", account.left().await?);
    Ok(())
}

/// What scenarios need to know.
async fn describe(
    terraform: &Terraform,
    account: &Account,
    packages: &binaries::Packages,
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

/// Runs a program to its end and gives what it printed; when it fails, all that it said is the error. Given up, it ends
/// with everything it has started: Terraform's providers outlive it otherwise.
async fn output_of(command: &mut Command) -> Result<String> {
    let shown = format!("{:?}", command.as_std().get_program());
    command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().with_context(|| format!("{shown} doesn't start"))?;
    let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed())).map(Group);
    let output = child.wait_with_output().await.with_context(|| format!("{shown} can't be waited for"))?;
    // Its number may be another's from here on.
    std::mem::forget(group);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        bail!("{shown} failed:\n{text}{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(text)
}

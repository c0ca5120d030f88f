//! `cargo cloud install`: installs crates from a registry or a repository, or a folder of this device.

use anyhow::Context;

use crate::args::{InstallArgs, Invocation};
use crate::install::{InstallRoot, Installation};
use crate::interrupt::Interrupt;
use crate::pipeline::{self, InstallContext, Session};
use crate::terminal::Shell;

/// Installs what the arguments name. Returns the exit code.
///
/// # Errors
/// If the command can't be carried out; cargo's own errors are in the exit code.
pub fn install(
    shell: &Shell,
    interrupt: &Interrupt,
    invocation: &Invocation,
    args: &InstallArgs,
) -> anyhow::Result<u8> {
    let cwd = std::env::current_dir().context("the current folder is gone")?;
    let context = InstallContext::read(cwd, invocation, args)?;
    if args.list {
        return list(shell, &context.root(args)?);
    }
    args.check()?;
    let job = context.job(shell, invocation, args)?;
    let session = Session::open(shell, interrupt, invocation.cli.common.backend.as_deref())?;
    pipeline::run(&session, job, &invocation.words, args.detach)
}

/// Prints what is installed, as cargo does.
fn list(shell: &Shell, root: &InstallRoot) -> anyhow::Result<u8> {
    let installation = Installation::open(shell, root)?;
    for (package, bins) in installation.records.packages() {
        shell.print(format!("{package}:"));
        bins.iter().for_each(|bin| shell.print(format!("    {bin}")));
    }
    Ok(0)
}

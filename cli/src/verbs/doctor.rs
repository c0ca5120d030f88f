//! `cargo cloud doctor`: whether a build would work, and if not, what to do.

use anyhow::Context;

use crate::args::{DoctorArgs, Invocation};
use crate::config::Config;
use crate::doctor::{self, CheckOutcome, DoctorReport};
use crate::interrupt::{self, Interrupt};
use crate::pipeline::Session;
use crate::terminal::Shell;

/// Checks everything from the device to a trial build, and prints the findings. Returns the exit code.
pub fn doctor(shell: &Shell, interrupt: &Interrupt, invocation: &Invocation, args: &DoctorArgs) -> anyhow::Result<u8> {
    let cwd = std::env::current_dir().context("the current folder is gone")?;
    let mut report = DoctorReport::new(shell, args.json);
    let (install, root) = doctor::install_folder(&cwd);
    let backend = match Config::backend(invocation.cli.common.backend.as_deref()) {
        Ok((backend, warning)) => {
            report.add("configuration", doctor::configuration(&backend, warning)?);
            Some(backend)
        }
        Err(error) => {
            let advice = "paste the line that the backend prints: cargo cloud configure";
            report.add("configuration", CheckOutcome::failed(format_args!("{error:#}"), advice));
            None
        }
    };
    report.add("install folder", install);
    if let Some(backend) = backend {
        match Session::with_backend(shell, interrupt, backend) {
            Ok(session) => doctor::backend(&mut report, &session, root.as_ref(), !args.no_build)?,
            Err(error) => {
                report.add("network", CheckOutcome::failed(format_args!("{error:#}"), "then try again"));
            }
        }
    }
    if interrupt.requested() {
        shell.clear();
        return Ok(interrupt::EXIT_CODE);
    }
    Ok(u8::from(!report.end()))
}

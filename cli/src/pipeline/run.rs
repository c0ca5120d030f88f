//! Runs a job from end to end.

use std::ffi::OsString;
use std::io;

use protocol::{BuildId, BuildResult, Outcome};

use super::job::BuildJob;
use super::send::send;
use super::session::Session;
use super::{deliver, execute, open_documentation};
use crate::builds::{BuildRecords, short_id};
use crate::config::config_folder;
use crate::interrupt;

/// Sends a job, follows its build and delivers what it made. `words` are the command line, for the record; with `detach`
/// the build is left after it was sent. Returns the exit code.
///
/// # Errors
/// If the job can't be sent, or what was built can't be put in its place.
pub fn run(session: &Session, mut job: BuildJob, words: &[OsString], detach: bool) -> anyhow::Result<u8> {
    job.prepare(session)?;
    let build = send(session, job.source()?.as_ref(), &job.request)?;
    let records = BuildRecords::beside(&config_folder()?);
    let saved = records.save(&job.record(&build, &session.backend.name, words));
    if detach {
        report_detached(session, &build, saved);
        return Ok(0);
    }
    // If this process is killed from here on, `attach` finds the build by its record.
    let outcome = match session.follow_own(job.followed_build(session, &build)) {
        Some(result) => finish(session, &job, &result, &records),
        None => Ok(interrupt::EXIT_CODE),
    };
    records.remove(&build);
    outcome
}

/// Delivers what a build made, and runs it if that is this device's part. The record of the build is removed as soon as
/// everything is delivered. Returns the exit code.
///
/// # Errors
/// If something can't be put in its place, or can't be run.
pub fn finish(session: &Session, job: &BuildJob, result: &BuildResult, records: &BuildRecords) -> anyhow::Result<u8> {
    let delivered = deliver::deliver(session, job, result)?;
    records.remove(&result.id);
    let succeeded = result.outcome == Outcome::Succeeded && result.artifact.is_some();
    let Some(workspace) = job.workspace.as_ref().filter(|_| succeeded) else {
        return Ok(result.client_exit_code());
    };
    let request = &job.request;
    if job.open_documentation {
        open_documentation::open(session.shell, workspace, request)?;
    }
    if request.command.executes() && request.options.no_run {
        execute::list(session.shell, workspace, request, &delivered.programs);
    } else if delivered.run_on_device {
        return execute::run(session.shell, workspace, request, &delivered.programs);
    }
    Ok(result.client_exit_code())
}

/// Tells how to come back to a build that is left, and prints its id.
fn report_detached(session: &Session, build: &BuildId, saved: io::Result<()>) {
    let shell = session.shell;
    let id = short_id(build);
    shell.status("Detached", format!("from build {id}"));
    if let Err(error) = saved {
        shell.warn(format!(
            "what to do with the result could not be recorded beside the configuration ({error}); install it with \
             `cargo cloud attach {id} --root DIR`"
        ));
    }
    shell.note(format!(
        "`cargo cloud attach {id}` follows it and delivers what it makes; `cargo cloud logs {id}` shows what it prints, \
         `cargo cloud cancel {id}` ends it"
    ));
    shell.print(build);
}

//! `cargo cloud attach`: follows a build that was begun before, and ends as the command that began it would have.

use std::path::PathBuf;

use anyhow::{Context, bail};
use protocol::Outcome;

use crate::args::{AttachArgs, Invocation, ProjectArgs};
use crate::builds::{BuildRecord, BuildRecords, BuildState, FoundBuild, find, gone_message, short_id};
use crate::config::config_folder;
use crate::follow::FollowedBuild;
use crate::install::InstallRoot;
use crate::interrupt::{self, Interrupt};
use crate::pipeline::{self, BuildJob, Session, Workspace, deliver_elsewhere, paths_of_current_project};
use crate::terminal::{Shell, bytes};

/// Follows a build of this device or of another one. Returns the exit code that its own command would have had.
///
/// # Errors
/// If there is no such build, or what it made can't be put in its place.
pub fn attach(shell: &Shell, interrupt: &Interrupt, invocation: &Invocation, args: &AttachArgs) -> anyhow::Result<u8> {
    let records = BuildRecords::beside(&config_folder()?);
    let backend = invocation.cli.common.backend.as_deref();
    let record = match &args.build {
        Some(text) => records.find(text)?.filter(|record| backend.is_none_or(|name| record.backend == name)),
        None => Some(latest(invocation, &records, backend)?),
    };
    let backend = backend.or(record.as_ref().map(|record| record.backend.as_str()));
    let session = Session::open(shell, interrupt, backend)?;
    let Some(record) = record else {
        return attach_elsewhere(&session, invocation, args.build.as_deref().unwrap_or_default(), args);
    };
    // With another folder than its own an installation is delivered as that of another device.
    if args.root.is_some() && record.installed.is_some() {
        return attach_elsewhere(&session, invocation, record.build.as_str(), args);
    }
    match BuildJob::of_record(shell, &record) {
        Ok(job) => attach_own(&session, &records, &record, job, args),
        // Programs can be installed without the project.
        Err(_) if args.root.is_some() => attach_elsewhere(&session, invocation, record.build.as_str(), args),
        Err(error) => Err(error).with_context(|| {
            format!(
                "build {0} can't be delivered as its command would have done; `cargo cloud attach {0} --root DIR` \
                 installs its programs",
                short_id(&record.build)
            )
        }),
    }
}

fn latest(invocation: &Invocation, records: &BuildRecords, backend: Option<&str>) -> anyhow::Result<BuildRecord> {
    let workspace = Workspace::find(&invocation.cli.common, &ProjectArgs::default()).ok();
    let root = workspace.as_ref().map(|workspace| workspace.project.root.as_path());
    records.latest(root, backend).with_context(|| {
        let of_what = if root.is_some() { "of this project" } else { "that was begun on this device" };
        format!("there is no build {of_what} left to deliver; `cargo cloud builds` lists the builds of all devices")
    })
}

/// Attaches to a build that this device began.
fn attach_own(
    session: &Session,
    records: &BuildRecords,
    record: &BuildRecord,
    mut job: BuildJob,
    args: &AttachArgs,
) -> anyhow::Result<u8> {
    let found = FoundBuild::by_id(&session.storage, &session.backend.owner, &record.build)?;
    if matches!(found.state, BuildState::Gone) {
        records.remove(&record.build);
        bail!("{}", gone_message(&record.build, session.clock.unix_ms(), &session.backend.owner));
    }
    if let Some(root) = absolute_root(args)? {
        job.install_into(InstallRoot::at(root));
    }
    if let Some(install) = &mut job.placement.install {
        install.force |= args.force;
        install.root.check_writable()?;
    }
    let build = job.followed_build(session, &record.build);
    match session.show_to_end(found, build)? {
        Some(result) => pipeline::finish(session, &job, &result, records),
        None => Ok(interrupt::EXIT_CODE),
    }
}

/// Attaches to a build that this device didn't begin, or of which it has no record. Nothing is delivered but the programs,
/// and those only with `--root`.
fn attach_elsewhere(session: &Session, invocation: &Invocation, text: &str, args: &AttachArgs) -> anyhow::Result<u8> {
    let root = absolute_root(args)?.map(InstallRoot::at);
    if let Some(root) = &root {
        root.check_writable()?;
    }
    let found = find(&session.storage, &session.clock, &session.backend.owner, text)?;
    let id = found.id.clone();
    let paths = paths_of_current_project(invocation, found.summary());
    let build = FollowedBuild { paths, ..session.followed_build(&id) };
    let Some(result) = session.show_to_end(found, build)? else { return Ok(interrupt::EXIT_CODE) };
    if let Some(info) = result.artifact.as_ref().filter(|_| result.outcome == Outcome::Succeeded) {
        match root {
            Some(root) => deliver_elsewhere(session, &result, info, &root, args.force)?,
            None => session.shell.note(format!(
                "this device did not begin the build, so what it made ({}) is not installed; \
                 `cargo cloud attach {} --root DIR` installs its programs into DIR/bin",
                bytes(info.size),
                short_id(&id)
            )),
        }
    }
    Ok(result.client_exit_code())
}

fn absolute_root(args: &AttachArgs) -> anyhow::Result<Option<PathBuf>> {
    let root = args.root.as_ref().map(std::path::absolute);
    root.transpose().context("the current folder is gone")
}

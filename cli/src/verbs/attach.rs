//! `cargo cloud attach`: follows a build that was begun before, and ends as the command that began it would have.

use anyhow::{Context, bail};
use protocol::{BuildResult, Outcome};

use super::completion::Destination;
use super::logs::{replay, say_it_goes_on};
use super::plan::Place;
use super::session::Session;
use super::work::Work;
use super::{adoption, logs};
use crate::args::{AttachArgs, ProjectArgs, Typed};
use crate::builds::{BuildRecord, Found, Install, Records, State, gone, short};
use crate::config::config_folder;
use crate::follow::{Followed, Manner, Subject};
use crate::install::InstallRoot;
use crate::interrupt::{self, Interrupt};
use crate::terminal::{Shell, bytes};

/// Follows a build of this device's, or of another's. Returns what its own command would have.
pub fn attach(shell: &Shell, interrupt: &Interrupt, typed: &Typed, args: &AttachArgs) -> anyhow::Result<u8> {
    let records = Records::beside(&config_folder()?);
    let named = typed.cli.common.backend.as_deref();
    let record = match &args.build {
        Some(text) => records.find(text)?.filter(|record| named.is_none_or(|name| record.backend == name)),
        None => Some(latest(typed, &records, named)?),
    };
    let backend = named.or(record.as_ref().map(|record| record.backend.as_str()));
    let session = Session::open(shell, interrupt, backend)?;
    let Some(record) = record else {
        return of_elsewhere(&session, typed, args.build.as_deref().unwrap_or_default(), args);
    };
    match place_of(&record) {
        Ok(place) => own(&session, &records, &record, &place, args),
        // What needs no project goes without.
        Err(_) if args.root.is_some() => of_elsewhere(&session, typed, record.build.as_str(), args),
        Err(error) => Err(error),
    }
}

fn latest(typed: &Typed, records: &Records, backend: Option<&str>) -> anyhow::Result<BuildRecord> {
    let place = Place::find(&typed.cli.common, &ProjectArgs::default()).ok();
    let found = records.latest(place.as_ref().map(|place| place.project.root.as_path()), backend);
    found.with_context(|| {
        let of_what = if place.is_some() { "of this project" } else { "that was begun on this device" };
        format!("there is no build {of_what} to be brought back; `cargo cloud builds` lists those of all devices")
    })
}

fn place_of(record: &BuildRecord) -> anyhow::Result<Place> {
    let args = ProjectArgs { manifest_path: record.manifest_path.clone(), target_dir: Some(record.target_dir.clone()) };
    Place::find_from(record.cwd.clone(), &[], &args).with_context(|| {
        format!(
            "the project of build {} can't be read; its programs can be brought back with `--root DIR`",
            short(&record.build)
        )
    })
}

/// A build that this device began.
fn own(
    session: &Session,
    records: &Records,
    record: &BuildRecord,
    place: &Place,
    args: &AttachArgs,
) -> anyhow::Result<u8> {
    let found = Found::by_id(&session.storage, &session.backend.owner, &record.build)?;
    if matches!(found.state, State::Gone) {
        records.remove(&record.build);
        bail!("{}", gone(&record.build, session.clock.unix_ms(), &session.backend.owner));
    }
    let request = record.request()?;
    let destination = destination(record, place, args)?;
    let work =
        Work { session, place, request: &request, destination: &destination, build: &record.build, open: record.open };
    match ending(session, found, work.subject())? {
        Some(result) => work.finish(&result, || records.remove(&record.build)),
        None => Ok(interrupt::EXIT_CODE),
    }
}

fn destination(record: &BuildRecord, place: &Place, args: &AttachArgs) -> anyhow::Result<Destination> {
    let artifact_dir = record.artifact_dir.clone();
    let root = match (&args.root, &record.install) {
        (Some(root), _) => std::path::absolute(root).context("the current folder is gone")?,
        (None, Some(Install { root, .. })) => root.clone(),
        (None, None) => return Ok(Destination::TargetDir { folder: record.target_dir.clone(), artifact_dir }),
    };
    let root = InstallRoot::chosen(root);
    root.check_writable()?;
    let force = args.force || record.install.as_ref().is_some_and(|install| install.force);
    Ok(Destination::Install { root, force, target_dir: place.target_dir.clone(), artifact_dir })
}

/// A build of another device's, or one that this device noted nothing of: nothing is put anywhere unasked.
fn of_elsewhere(session: &Session, typed: &Typed, text: &str, args: &AttachArgs) -> anyhow::Result<u8> {
    let root = match &args.root {
        Some(root) => Some(InstallRoot::chosen(std::path::absolute(root).context("the current folder is gone")?)),
        None => None,
    };
    if let Some(root) = &root {
        root.check_writable()?;
    }
    let found = Found::by_text(&session.storage, &session.clock, &session.backend.owner, text)?;
    let id = found.id.clone();
    let paths = logs::paths_here(typed, found.asked());
    let Some(result) = ending(session, found, Subject { paths, ..session.subject(&id) })? else {
        return Ok(interrupt::EXIT_CODE);
    };
    let Some(info) = result.artifact.as_ref().filter(|_| result.outcome == Outcome::Succeeded) else {
        return Ok(result.client_exit_code());
    };
    match root {
        Some(root) => adoption::install(session, &result, info, &root, args.force)?,
        None => session.shell.note(format!(
            "this device did not begin the build, so what it made ({}) is not brought back unasked; \
             `cargo cloud attach {} --root DIR` installs its programs into DIR/bin",
            bytes(info.size),
            short(&id)
        )),
    }
    Ok(result.client_exit_code())
}

/// Shows a build from its beginning to its end; `None`: it was left before.
fn ending(session: &Session, found: Found, subject: Subject) -> anyhow::Result<Option<Box<BuildResult>>> {
    let id = found.id;
    if let State::Ended(result) = found.state {
        replay(session, &id, &subject.paths, subject.json, &result)?;
        session.tell(&result);
        return Ok(Some(result));
    }
    match session.watch(subject, Manner::Watching) {
        Followed::Ended(result) => {
            session.tell(&result);
            Ok(Some(result))
        }
        Followed::Left | Followed::Unheard => {
            say_it_goes_on(session.shell, &id);
            Ok(None)
        }
    }
}

//! `cargo cloud attach`: follows a build that was begun before, and ends as the command that began it would have.

use anyhow::{Context, bail};
use protocol::{BuildResult, Outcome};

use super::build::request;
use super::install::Installing;
use super::logs;
use super::logs::{replay, say_it_goes_on};
use crate::args::{ArtifactDestination, AttachArgs, BuildCommand, Invocation, ProjectArgs, Verb, parse_words};
use crate::builds::{BuildRecord, Found, Records, State, find, gone, short};
use crate::config::config_folder;
use crate::follow::{FollowMode, Followed, Subject};
use crate::install::InstallRoot;
use crate::interrupt::{self, Interrupt};
use crate::pipeline::Session;
use crate::pipeline::Targets;
use crate::pipeline::deliver::adoption;
use crate::pipeline::deliver::completion::Destination;
use crate::pipeline::job::Work;
use crate::pipeline::plan::Workspace;
use crate::terminal::{Shell, bytes};

/// Follows a build of this device's, or of another's. Returns what its own command would have.
pub fn attach(shell: &Shell, interrupt: &Interrupt, typed: &Invocation, args: &AttachArgs) -> anyhow::Result<u8> {
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
    let begun = match &args.root {
        // An installation elsewhere than it was begun for.
        Some(_) if record.installed.is_some() => {
            return of_elsewhere(&session, typed, record.build.as_str(), args);
        }
        _ => Begun::again(shell, &record),
    };
    match begun {
        Ok(begun) => own(&session, &records, &record, begun, args),
        // What needs no project goes without.
        Err(_) if args.root.is_some() => of_elsewhere(&session, typed, record.build.as_str(), args),
        Err(error) => Err(error).with_context(|| {
            format!(
                "build {0} can't be ended as it was begun; `cargo cloud attach {0} --root DIR` brings its programs back",
                short(&record.build)
            )
        }),
    }
}

/// A command line that was typed before, and what it was about.
enum Begun {
    /// The project it was typed in.
    Project(Box<(Invocation, BuildCommand, Workspace)>),
    /// What it installs.
    Installation(Box<Installing>),
}

impl Begun {
    /// Reads the command line, and what it was about, again.
    fn again(shell: &Shell, record: &BuildRecord) -> anyhow::Result<Self> {
        let typed = parse_words(&record.words)?;
        if let Verb::Install(args) = &typed.cli.verb {
            return Ok(Self::Installation(Box::new(Installing::again(shell, record, &typed, args)?)));
        }
        let asked = typed.cli.verb.build_command()?.context("its command brings nothing back")?;
        let mut place = Workspace::find_from(record.cwd.clone(), &typed.cli.common.config, &asked.project)?;
        if asked.cloud.with_git {
            place.project.widen_to_repository();
        }
        place.target_dir.clone_from(&record.target_dir);
        Ok(Self::Project(Box::new((typed, asked, place))))
    }
}

fn latest(typed: &Invocation, records: &Records, backend: Option<&str>) -> anyhow::Result<BuildRecord> {
    let place = Workspace::find(&typed.cli.common, &ProjectArgs::default()).ok();
    let found = records.latest(place.as_ref().map(|place| place.project.root.as_path()), backend);
    found.with_context(|| {
        let of_what = if place.is_some() { "of this project" } else { "that was begun on this device" };
        format!("there is no build {of_what} to be brought back; `cargo cloud builds` lists those of all devices")
    })
}

/// A build that this device began.
fn own(
    session: &Session,
    records: &Records,
    record: &BuildRecord,
    begun: Begun,
    args: &AttachArgs,
) -> anyhow::Result<u8> {
    let found = Found::by_id(&session.storage, &session.backend.owner, &record.build)?;
    if matches!(found.state, State::Gone) {
        records.remove(&record.build);
        bail!("{}", gone(&record.build, session.clock.unix_ms(), &session.backend.owner));
    }
    let (typed, asked, place) = match &begun {
        Begun::Project(project) => (&project.0, &project.1, &project.2),
        Begun::Installation(installing) => {
            let Some(result) = ending(session, found, installing.subject(session, &record.build))? else {
                return Ok(interrupt::EXIT_CODE);
            };
            let code = installing.finish(session, &result)?;
            records.remove(&record.build);
            return Ok(code);
        }
    };
    let targets = Targets { named: record.targets.clone(), device: record.device.clone() };
    let mut request = request(session.shell, typed, asked, place, &targets)?;
    request.details.lock_sha256.clone_from(&record.lock_sha256);
    let destination = destination(record, asked, args)?;
    let work =
        Work { session, place, request: &request, destination: &destination, build: &record.build, open: asked.open };
    match ending(session, found, work.subject())? {
        Some(result) => work.finish(&result, || records.remove(&record.build)),
        None => Ok(interrupt::EXIT_CODE),
    }
}

fn destination(record: &BuildRecord, asked: &BuildCommand, args: &AttachArgs) -> anyhow::Result<Destination> {
    let artifact_dir = asked.artifact_dir.as_ref().map(|folder| record.cwd.join(folder));
    let target_dir = record.target_dir.clone();
    let root = match (&args.root, &record.install_root) {
        (Some(root), _) => std::path::absolute(root).context("the current folder is gone")?,
        (None, Some(root)) => root.clone(),
        (None, None) => return Ok(Destination::TargetDir { folder: target_dir, artifact_dir }),
    };
    let root = InstallRoot::chosen(root);
    root.check_writable()?;
    let force = args.force || matches!(asked.delivery, ArtifactDestination::Install { force: true, .. });
    Ok(Destination::Install { root, force, target_dir, artifact_dir })
}

/// A build of another device's, or one that this device noted nothing of: nothing is put anywhere unasked.
fn of_elsewhere(session: &Session, typed: &Invocation, text: &str, args: &AttachArgs) -> anyhow::Result<u8> {
    let root = match &args.root {
        Some(root) => Some(InstallRoot::chosen(std::path::absolute(root).context("the current folder is gone")?)),
        None => None,
    };
    if let Some(root) = &root {
        root.check_writable()?;
    }
    let found = find(&session.storage, &session.clock, &session.backend.owner, text)?;
    let id = found.id.clone();
    let paths = logs::paths_here(typed, found.summary());
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
    match session.watch(subject, FollowMode::Watching) {
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

//! `cargo cloud build`: send, follow, bring back.

use anyhow::bail;
use protocol::limits::PROTOCOL_VERSION;
use protocol::{BuildId, Command, Details, Outcome, Request, keys};

use super::completion::{Completion, Destination};
use super::plan::{Place, Targets};
use super::sending::{self, Restless, Shipment};
use crate::args::{BuildArgs, Typed};
use crate::config::{Backend, Config, config_folder};
use crate::environment;
use crate::follow::{Follower, Subject};
use crate::install::{InstallRoot, sha256_of};
use crate::interrupt::{self, Interrupt};
use crate::project::project_key;
use crate::random;
use crate::source;
use crate::storage::{Clock, Signer, Storage};
use crate::terminal::{Shell, bytes};

/// A source that changes is listed and packed again so often.
const MAX_PACKINGS: u32 = 3;

/// Builds a project and installs what comes of it, or leaves it in `target`. Returns the exit code.
pub fn build(shell: &Shell, interrupt: &Interrupt, typed: &Typed, args: &BuildArgs) -> anyhow::Result<u8> {
    args.check()?;
    let place = Place::find(&typed.cli.common, &args.project)?;
    let targets = place.targets(&args.target)?;
    let (backend, warning) = Config::backend(typed.cli.common.backend.as_deref())?;
    if let Some(warning) = warning {
        shell.warn(warning);
    }
    refuse_unknown(&backend, &targets)?;
    let destination = destination(&place, args)?;
    tell_what_stays(shell, &place);

    let request = request(shell, typed, args, &place, &targets)?;
    let clock = Clock::default();
    let storage = Storage::new(&backend, clock.clone())?;
    let build = upload(shell, interrupt, &place, &backend, &storage, &clock, &request)?;

    let subject = Subject {
        build: build.clone(),
        owner: backend.owner.clone(),
        socket: backend.socket.clone(),
        top: place.project.top.clone(),
        json: request.options.message_format.iter().any(|format| format.starts_with("json")),
    };
    let signer = Signer::new(backend.credentials.clone(), backend.region.clone(), clock);
    let Some(result) = Follower::new(shell, interrupt, &storage, subject).run(signer) else {
        return Ok(interrupt::EXIT_CODE);
    };
    if let Some(message) = &result.message {
        shell.error(message);
    } else if !matches!(result.outcome, Outcome::Succeeded | Outcome::Failed) {
        shell.error(ending(result.outcome));
    }
    if let Some(info) = &result.artifact {
        let completion = Completion { shell, interrupt, storage: &storage, place: &place, request: &request, args };
        completion.run(
            &keys::artifact(&backend.owner, &build),
            info,
            &destination,
            result.outcome == Outcome::Succeeded,
        )?;
    }
    Ok(result.client_exit_code())
}

fn ending(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Cancelled => "the build was cancelled",
        Outcome::TimedOut => "the build took longer than the backend allows",
        Outcome::Crashed => {
            "the builder died; type the same command again, and if it happens again, try fewer jobs with -j"
        }
        Outcome::Refused => "the backend refused the build without saying why",
        _ => "the build ended in a way this version doesn't know; update cargo-cloud",
    }
}

/// Before anything is sent: what the configuration knows that the backend can't build.
fn refuse_unknown(backend: &Backend, targets: &Targets) -> anyhow::Result<()> {
    let device = targets.device.iter().filter(|_| targets.named.is_empty());
    for target in targets.named.iter().chain(device) {
        if !backend.targets.is_empty() && !backend.targets.contains(target) {
            bail!(
                "the backend `{}` can't build for `{target}`; it builds for {}. If that has changed, write its configuration \
                 anew (the embedded backend does, started with --client-config)",
                backend.name,
                backend.targets.join(", ")
            );
        }
    }
    Ok(())
}

fn destination(place: &Place, args: &BuildArgs) -> anyhow::Result<Destination> {
    if args.no_install {
        return Ok(Destination::TargetDir(place.target_dir.clone()));
    }
    let configured = place.project.config.install_root();
    let root = InstallRoot::choose(
        args.root.as_deref(),
        &place.cwd,
        environment::path,
        configured,
        place.cargo_home.as_deref(),
    )?;
    root.check_writable()?;
    Ok(Destination::Install(root))
}

fn tell_what_stays(shell: &Shell, place: &Place) {
    for (file, keys) in place.project.config.left_behind() {
        shell.note(format!("`{}` is not the project's, so the builder doesn't heed it ({keys})", file.display()));
    }
}

fn request(
    shell: &Shell,
    typed: &Typed,
    args: &BuildArgs,
    place: &Place,
    targets: &Targets,
) -> anyhow::Result<Request> {
    let project = &place.project;
    let folder = config_folder()?;
    Ok(Request {
        protocol: PROTOCOL_VERSION,
        client: env!("CARGO_PKG_VERSION").to_owned(),
        command: Command::Build,
        project: project_key(&project.name, &project.root, &folder)?,
        options: place.options(shell, typed, args, targets),
        details: Details {
            root: project.inside(&project.root)?,
            directory: project.inside(&project.directory)?,
            device: targets.device.clone(),
            toolchain: place.toolchain(typed),
            env: environment::forwarded(
                std::env::vars_os()
                    .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
            ),
            lock_sha256: sha256_of(&project.root.join("Cargo.lock")),
        },
    })
}

/// Packs and sends; returns the build's id.
fn upload(
    shell: &Shell,
    interrupt: &Interrupt,
    place: &Place,
    backend: &Backend,
    storage: &Storage,
    clock: &Clock,
    request: &Request,
) -> anyhow::Result<BuildId> {
    let (metadata, file) = request.encode();
    sending::check_request(&file)?;
    let metadata: Vec<_> = metadata.into_iter().collect();
    let mut packings = 0;
    loop {
        let listing = source::list(&place.project, &place.target_dir)?;
        if packings == 0 {
            sending::tell(shell, &listing);
        }
        sending::check_limits(&listing)?;
        let message = format!("{} ({} files, {})", place.project.name, listing.entries.len(), bytes(listing.size()));
        shell.status("Packing", message);
        let build = BuildId::new(clock.unix_ms(), random()?);
        let key = keys::source(&backend.owner, &build);
        let shipment = Shipment {
            key: &key,
            metadata: &metadata,
            request: &file,
            entries: &listing.entries,
            backend: &backend.name,
        };
        let Err(Restless::Changed(path)) = sending::send(shell, interrupt, storage, &shipment)? else {
            return Ok(build);
        };
        packings += 1;
        if packings >= MAX_PACKINGS {
            bail!(
                "`{path}` keeps changing while it is packed; stop what writes it, or leave it out with `exclude` under \
                 [workspace.metadata.cloud]"
            );
        }
        shell.note(format!("`{path}` changed while it was packed; packing again"));
    }
}

//! Every verb that sends the project: send, follow, bring back.

use anyhow::bail;
use protocol::limits::PROTOCOL_VERSION;
use protocol::{Details, Request};

use crate::args::{ArtifactDestination, BuildCommand, Invocation};
use crate::builds::Records;
use crate::config::config_folder;
use crate::install::{InstallRoot, sha256_of};
use crate::interrupt::{self, Interrupt};
use crate::pipeline::Session;
use crate::pipeline::Targets;
use crate::pipeline::deliver::completion::Destination;
use crate::pipeline::detached;
use crate::pipeline::job::Work;
use crate::pipeline::plan::Workspace;
use crate::pipeline::plan::variables;
use crate::pipeline::send as sending;
use crate::project::project_key;
use crate::terminal::Shell;

/// Does what is asked for with the project one stands in. Returns the exit code.
pub fn build(shell: &Shell, interrupt: &Interrupt, typed: &Invocation, asked: &BuildCommand) -> anyhow::Result<u8> {
    let mut place = Workspace::find(&typed.cli.common, &asked.project)?;
    if asked.cloud.with_git && place.project.widen_to_repository().is_none() {
        bail!("`--with-git`: `{}` lies in no git repository", place.project.root.display());
    }
    let targets = place.targets(&asked.targets)?;
    let session = Session::open(shell, interrupt, typed.cli.common.backend.as_deref())?;
    targets.refuse_unknown(&session.backend)?;
    let destination = destination(&place, asked)?;
    tell_what_stays(shell, &place);

    let request = request(shell, typed, asked, &place, &targets)?;
    let build = sending::send_project(&session, &place, &request, asked.cloud.with_git)?;
    let work = Work {
        session: &session,
        place: &place,
        request: &request,
        destination: &destination,
        build: &build,
        open: asked.open,
    };
    let records = Records::beside(&config_folder()?);
    let noted = records.save(&work.record(&typed.words));
    if asked.cloud.detach {
        return detached::tell(&session, &build, noted);
    }
    // Whoever is killed from here on finds it again with `attach`.
    let done = match session.follow(work.subject()) {
        Some(result) => work.finish(&result, || records.remove(&build)),
        None => Ok(interrupt::EXIT_CODE),
    };
    records.remove(&build);
    done
}

fn destination(workspace: &Workspace, asked: &BuildCommand) -> anyhow::Result<Destination> {
    let ArtifactDestination::Install { root, force } = &asked.delivery else {
        let artifact_dir = asked.artifact_dir.as_ref().map(|folder| workspace.cwd.join(folder));
        return Ok(Destination::TargetDir { folder: workspace.target_dir.clone(), artifact_dir });
    };
    let root = InstallRoot::choose(
        root.as_deref(),
        &workspace.cwd,
        crate::environment::path,
        workspace.project.config.install_root(),
        workspace.cargo_home.as_deref(),
    )?;
    root.check_writable()?;
    let artifact_dir = asked.artifact_dir.as_ref().map(|folder| workspace.cwd.join(folder));
    Ok(Destination::Install { root, force: *force, target_dir: workspace.target_dir.clone(), artifact_dir })
}

fn tell_what_stays(shell: &Shell, workspace: &Workspace) {
    for (file, keys) in workspace.project.config.left_behind() {
        shell.note(format!("`{}` is not the project's, so the builder doesn't heed it ({keys})", file.display()));
    }
}

/// The request that a command line comes to.
pub fn request(
    shell: &Shell,
    typed: &Invocation,
    asked: &BuildCommand,
    workspace: &Workspace,
    targets: &Targets,
) -> anyhow::Result<Request> {
    let project = &workspace.project;
    let folder = config_folder()?;
    let runs_in = workspace.working_directory();
    Ok(Request {
        protocol: PROTOCOL_VERSION,
        client: env!("CARGO_PKG_VERSION").to_owned(),
        command: asked.command,
        project: project_key(&project.name, &project.root, &folder)?,
        options: workspace.cargo_options(shell, typed, (&asked.options, targets), runs_in)?,
        details: Details {
            root: project.inside(&project.root)?,
            directory: project.inside(&project.directory)?,
            working_directory: Some(project.inside(runs_in)?).filter(|_| *runs_in != project.directory),
            device: targets.device.clone(),
            toolchain: workspace.toolchain(typed),
            env: variables::of_build(&asked.cloud.env, asked.cloud.platform)?,
            lock_sha256: sha256_of(&project.root.join("Cargo.lock")),
            filter: asked.filter.clone(),
            args: asked.args.clone(),
            to_target_dir: asked.delivery == ArtifactDestination::TargetDir,
            ..Details::default()
        },
    })
}

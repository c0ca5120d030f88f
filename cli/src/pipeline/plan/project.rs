//! Plans the job of a verb that sends the project: build, check, test, run and their like.

use anyhow::bail;
use protocol::{CargoOptions, Details, Request};

use super::super::job::{BuildJob, InstallPlacement, Placement};
use super::super::targets::BuildTargets;
use super::variables::build_variables;
use super::{Workspace, new_request};
use crate::args::{ArtifactDestination, BuildCommand, Invocation};
use crate::environment;
use crate::install::{InstallRoot, sha256_of};
use crate::terminal::Shell;

impl BuildJob {
    /// The job of a command that was typed in the current folder.
    ///
    /// # Errors
    /// If there is no project, or flags or configuration can't be obeyed. Nothing is sent or written yet.
    pub fn of_project(shell: &Shell, invocation: &Invocation, command: &BuildCommand) -> anyhow::Result<Self> {
        let mut workspace = Workspace::find(&invocation.cli.common, &command.project)?;
        if command.cloud.with_git && workspace.project.widen_to_repository().is_none() {
            bail!("`--with-git`: `{}` is in no git repository", workspace.project.root.display());
        }
        let targets = workspace.targets(&command.targets)?;
        let install = match &command.delivery {
            ArtifactDestination::TargetDir => None,
            ArtifactDestination::Install { root, force } => {
                let root = InstallRoot::choose(
                    root.as_deref(),
                    &workspace.cwd,
                    environment::path,
                    workspace.project.config.install_root(),
                    workspace.cargo_home.as_deref(),
                )?;
                Some(InstallPlacement { root, force: *force })
            }
        };
        let request = project_request(shell, invocation, command, &workspace, targets)?;
        Ok(Self::with_workspace(request, workspace, command, install))
    }

    /// The job of a command that sends the project, with a workspace that was found before.
    pub(super) fn with_workspace(
        request: Request,
        workspace: Workspace,
        command: &BuildCommand,
        install: Option<InstallPlacement>,
    ) -> Self {
        let placement = Placement {
            target_dir: workspace.target_dir.clone(),
            artifact_dir: command.artifact_dir.as_ref().map(|folder| workspace.cwd.join(folder)),
            install,
        };
        Self {
            request,
            cwd: workspace.cwd.clone(),
            notes: workspace.ignored_config(),
            workspace: Some(workspace),
            placement,
            snapshot: None,
            with_git: command.cloud.with_git,
            open_documentation: command.open,
        }
    }
}

/// The request of a command that sends the project.
///
/// # Errors
/// If a path is not UTF-8, or `--env` can't be obeyed.
pub(super) fn project_request(
    shell: &Shell,
    invocation: &Invocation,
    command: &BuildCommand,
    workspace: &Workspace,
    targets: BuildTargets,
) -> anyhow::Result<Request> {
    let project = &workspace.project;
    let folder = workspace.working_directory();
    let options = CargoOptions {
        target: targets.chosen,
        color: shell.color(),
        ..workspace.cargo_options(&command.options, &invocation.cli.common, folder)?
    };
    let details = Details {
        root: project.inside(&project.root)?,
        directory: project.inside(&project.directory)?,
        working_directory: Some(project.inside(folder)?).filter(|_| *folder != project.directory),
        device: targets.device,
        toolchain: workspace.toolchain(invocation),
        env: build_variables(&command.cloud.env, command.cloud.platform)?,
        lock_sha256: sha256_of(&project.root.join("Cargo.lock")),
        filter: command.filter.clone(),
        args: command.args.clone(),
        to_target_dir: command.delivery == ArtifactDestination::TargetDir,
        ..Details::default()
    };
    Ok(new_request(command.command, workspace.key()?, options, details))
}

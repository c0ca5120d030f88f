//! Plans a job again from the record of its build, so that `attach` can end it as its own command would have.

use anyhow::Context;

use super::super::job::{BuildJob, InstallPlacement};
use super::super::targets::BuildTargets;
use super::project::project_request;
use super::{InstallContext, Workspace};
use crate::args::{ArtifactDestination, BuildCommand, InstallArgs, Invocation, Verb, parse_words};
use crate::builds::BuildRecord;
use crate::install::{InstallRoot, InstalledSnapshot};
use crate::terminal::Shell;

impl BuildJob {
    /// The job of a build that this device began earlier.
    ///
    /// # Errors
    /// If the command line or the project can't be read any more.
    pub fn of_record(shell: &Shell, record: &BuildRecord) -> anyhow::Result<Self> {
        let invocation = parse_words(&record.words)?;
        if let Verb::Install(args) = &invocation.cli.verb {
            return Self::of_recorded_installation(shell, record, &invocation, args);
        }
        let command = invocation.cli.verb.build_command()?.context("its command has nothing to deliver")?;
        Self::of_recorded_project(shell, record, &invocation, &command)
    }

    fn of_recorded_project(
        shell: &Shell,
        record: &BuildRecord,
        invocation: &Invocation,
        command: &BuildCommand,
    ) -> anyhow::Result<Self> {
        let mut workspace = Workspace::find_from(record.cwd.clone(), &invocation.cli.common.config, &command.project)?;
        if command.cloud.with_git {
            workspace.project.widen_to_repository();
        }
        workspace.target_dir.clone_from(&record.target_dir);
        let mut request = project_request(shell, invocation, command, &workspace, recorded_targets(record))?;
        request.details.lock_sha256.clone_from(&record.lock_sha256);
        let force = matches!(command.delivery, ArtifactDestination::Install { force: true, .. });
        let install = record.install_root.clone().map(|root| InstallPlacement { root: InstallRoot::at(root), force });
        Ok(Self::with_workspace(request, workspace, command, install))
    }

    fn of_recorded_installation(
        shell: &Shell,
        record: &BuildRecord,
        invocation: &Invocation,
        args: &InstallArgs,
    ) -> anyhow::Result<Self> {
        let mut job = InstallContext::read(record.cwd.clone(), invocation, args)?.job(shell, invocation, args)?;
        let BuildTargets { chosen, device } = recorded_targets(record);
        job.request.options.target = chosen;
        job.request.details.device = device;
        job.placement.target_dir.clone_from(&record.target_dir);
        let root = record.install_root.clone().context("its record has no folder to install into")?;
        job.placement.install = Some(InstallPlacement { root: InstallRoot::at(root), force: args.force });
        let installed = record.installed.as_ref().context("its record doesn't have what was installed")?;
        job.snapshot = Some(InstalledSnapshot::from_request(installed)?);
        Ok(job)
    }
}

fn recorded_targets(record: &BuildRecord) -> BuildTargets {
    BuildTargets { chosen: record.targets.clone(), device: record.device.clone() }
}

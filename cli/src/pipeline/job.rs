//! A build of a project that was sent: followed, brought back, and noted for the case that someone else has to do so.

use std::ffi::OsString;

use protocol::{BuildId, BuildResult, Outcome, Request, keys};

use super::deliver::execution;
use crate::builds::BuildRecord;
use crate::follow::{DevicePaths, Subject};
use crate::pipeline::Session;
use crate::pipeline::deliver::completion::{Completion, Destination, nothing_to_install};
use crate::pipeline::plan::Workspace;

/// What is left to do of a build that was sent.
pub struct Work<'a> {
    /// The backend.
    pub session: &'a Session<'a>,
    /// The project.
    pub place: &'a Workspace,
    /// What was asked for.
    pub request: &'a Request,
    /// Where what is built goes.
    pub destination: &'a Destination,
    /// Which build.
    pub build: &'a BuildId,
    /// `doc --open`.
    pub open: bool,
}

impl Work<'_> {
    /// How it is followed.
    pub fn subject(&self) -> Subject {
        Subject {
            paths: device_paths(self.place),
            json: self.request.options.message_format.iter().any(|format| format.starts_with("json")),
            ..self.session.subject(self.build)
        }
    }

    /// Brings back what was built, and runs it where the builder could not; `settled` is called when nothing is left to
    /// bring back. Returns the exit code.
    pub fn finish(&self, result: &BuildResult, settled: impl FnOnce()) -> anyhow::Result<u8> {
        let Self { session, place, request, destination, .. } = *self;
        let succeeded = result.outcome == Outcome::Succeeded;
        let Some(info) = &result.artifact else {
            settled();
            if succeeded && matches!(destination, Destination::Install { .. }) {
                nothing_to_install(session.shell);
            }
            return Ok(result.client_exit_code());
        };
        let completion = Completion { session, place, request, destination };
        let key = keys::artifact(&session.backend.owner, self.build);
        let delivered = completion.run(&key, info, succeeded)?;
        settled();
        if succeeded && self.open {
            execution::open_documentation(session.shell, place, request)?;
        }
        if succeeded && request.command.executes() && request.options.no_run {
            execution::list(session.shell, place, request, &delivered.programs);
        } else if succeeded && delivered.run_on_device {
            return execution::run(session.shell, place, request, &delivered.programs);
        }
        Ok(result.client_exit_code())
    }

    /// What another process of this device needs to go on with what this command line began.
    pub fn record(&self, words: &[OsString]) -> BuildRecord {
        let (install_root, target_dir) = match self.destination {
            Destination::Install { root, target_dir, .. } => (Some(root.folder().to_owned()), target_dir),
            Destination::TargetDir { folder, .. } => (None, folder),
        };
        BuildRecord {
            cwd: self.place.cwd.clone(),
            root: self.place.project.root.clone(),
            target_dir: target_dir.clone(),
            install_root,
            targets: self.request.options.target.clone(),
            device: self.request.details.device.clone(),
            lock_sha256: self.request.details.lock_sha256.clone(),
            ..BuildRecord::new(self.build.clone(), &self.session.backend.name, words)
        }
    }
}

/// The device's folders, for what a build of this project prints.
pub fn device_paths(workspace: &Workspace) -> DevicePaths {
    DevicePaths {
        source: Some(workspace.project.top.clone()),
        target: Some(workspace.target_dir.clone()),
        root: None,
        cwd: Some(workspace.cwd.clone()),
    }
}

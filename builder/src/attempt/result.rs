//! After cargo: how the build ended, and which files go to the device.

use std::path::Path;
use std::time::Instant;

use protocol::{BuildSettings, Command, Outcome, Status};

use super::compile::Compiled;
use super::error::disk_error;
use super::{AttemptError, AttemptRun, CargoOutcome, FinishedBuild, Prepared, millis};
use crate::artifact::{
    ArtifactContents, ArtifactPackError, ArtifactSelector, BuiltFile, additional_files, pack_or_reuse,
};
use crate::cargo::RunEnd;
use crate::install_root;
use crate::plan::Execution;
use crate::source::hash_file;

/// The largest `Cargo.lock` that is sent to the device, in bytes; one of 2,000 packages has half a megabyte.
const MAX_LOCK_BYTES: u64 = 64 * 1024 * 1024;

impl AttemptRun<'_> {
    /// Determines how the build ended, and packs what it made into `artifact.zip`.
    pub(super) async fn produce_result(
        &mut self,
        prepared: &Prepared,
        compiled: Compiled,
    ) -> Result<FinishedBuild, AttemptError> {
        let run = &compiled.run;
        let exit = match run.end {
            RunEnd::Cancelled => return Err(AttemptError::Cancelled),
            RunEnd::OutOfTime => return Err(self.pause(run).await),
            RunEnd::Exit(exit) => exit,
        };
        let begun = Instant::now();
        let (request, project) = (&prepared.request, &prepared.project);
        let outcome = CargoOutcome::of(request.command, exit, run, self.history.peak_memory, &self.engine.config.work);
        self.explain_denied_access(prepared, run).await;
        let mut files = selected_files(prepared, &compiled, outcome.outcome);
        self.check_programs(prepared, &files, run).await?;
        if outcome.outcome == Outcome::Succeeded {
            files.extend(additional_files(request, project, self.begun));
        }
        let lock = project.source.join(&request.details.root).join("Cargo.lock");
        let lock = Some(lock).filter(|lock| is_changed(lock, request.details.lock_sha256.as_deref()));
        if files.is_empty() && lock.is_none() {
            return Ok(FinishedBuild { outcome, artifact: None });
        }
        self.reporter.status(Status::Packing).await;
        let contents = ArtifactContents {
            host: prepared.toolchain.host.clone(),
            rustc: prepared.toolchain.rustc.clone(),
            run_on_device: prepared.execution == Execution::Device,
            settings: BuildSettings::of(request),
            files,
            lock,
        };
        let path = self.attempt.output.join("artifact.zip");
        let (to, project) = (path.clone(), prepared.project.clone());
        let packed = self
            .blocking("packing", move |cancel| match pack_or_reuse(&contents, &project, &to, cancel) {
                Ok(info) => Ok(info),
                Err(ArtifactPackError::Cancelled) => Err(AttemptError::Cancelled),
                Err(error @ ArtifactPackError::TooLarge(_)) => Err(AttemptError::Refused(error.to_string())),
                Err(ArtifactPackError::Io(error)) => Err(disk_error("pack what was built", &error)),
            })
            .await;
        self.history.times.packing += millis(begun);
        let info = match packed {
            Err(AttemptError::OutOfTime { .. }) => return Err(self.pause(run).await),
            packed => packed?,
        };
        Ok(FinishedBuild { outcome, artifact: Some((info, path)) })
    }
}

/// The programs and libraries that the request asked for. None for a program that ran on the builder: the device has no
/// use for it.
fn selected_files(prepared: &Prepared, compiled: &Compiled, outcome: Outcome) -> Vec<BuiltFile> {
    let (request, project, messages) = (&prepared.request, &prepared.project, &compiled.run.stdout);
    match &compiled.metadata {
        Some(metadata) if outcome == Outcome::Succeeded && prepared.execution != Execution::Builder => {
            let selector = ArtifactSelector {
                metadata,
                request,
                directory: &prepared.directory,
                source: &project.source,
                target: &project.target,
            };
            selector.select(&messages.artifacts)
        }
        // Even when some of several crates failed, the others were installed.
        _ if request.command == Command::Install => install_root::new_files(request, project, messages),
        _ => Vec::new(),
    }
}

/// Whether there is a lock file that the client doesn't have yet.
fn is_changed(lock: &Path, sent: Option<&str>) -> bool {
    lock.symlink_metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() <= MAX_LOCK_BYTES)
        && hash_file(lock).is_ok_and(|sha256| Some(sha256.as_str()) != sent)
}

//! After cargo: how the build ended, and what goes back to the device.

use std::path::Path;
use std::time::Instant;

use protocol::{BuildSettings, Command, Outcome, Status};

use super::fault::{Fault, disk};
use super::verdict::verdict;
use super::{Build, Done, Prepared, millis};
use crate::cargo::{CargoRun, End};
use crate::install;
use crate::packed::pack_once;
use crate::packing::{Contents, PackError};
use crate::plan::Execution;
use crate::products::files_of;
use crate::selection::{Metadata, Selection};
use crate::source::hash_file;

/// The largest `Cargo.lock` that is sent back; one of 2,000 packages has half a megabyte.
const MAX_LOCK_BYTES: u64 = 64 * 1024 * 1024;

impl Build<'_> {
    /// Says how it ended, and packs what was built.
    pub(super) async fn conclude(
        &mut self,
        prepared: &Prepared,
        (run, metadata): (CargoRun, Option<Metadata>),
    ) -> Result<Done, Fault> {
        let exit = match run.end {
            End::Cancelled => return Err(Fault::Cancelled),
            End::OutOfTime => return Err(self.pause(&run).await),
            End::Exit(exit) => exit,
        };
        let command = prepared.request.command;
        let (outcome, exit_code, message) =
            verdict(command, exit, &run, self.history.peak_memory, &self.engine.config.work);
        let begun = Instant::now();
        let (request, project) = (&prepared.request, &prepared.project);
        let run_on_device = prepared.execution == Execution::Device;
        // What ran here needs not come back.
        let stays = prepared.execution == Execution::Here;
        let mut products = match &metadata {
            Some(metadata) if outcome == Outcome::Succeeded && !stays => Selection {
                metadata,
                request,
                directory: &prepared.directory,
                source: &project.source,
                target: &project.target,
            }
            .products(&run.made.artifacts),
            // Some of several crates may have failed, and the others are installed.
            _ if command == Command::Install => install::products(request, project, &run.made),
            _ => Vec::new(),
        };
        self.explain_denial(prepared, &run).await;
        self.examine(prepared, &products, &run).await?;
        if outcome == Outcome::Succeeded {
            products.extend(files_of(request, project, self.begun));
        }
        let lock = project.source.join(&request.details.root).join("Cargo.lock");
        let lock = Some(lock).filter(|lock| is_changed(lock, request.details.lock_sha256.as_deref()));
        if products.is_empty() && lock.is_none() {
            return Ok(Done { outcome, exit_code, message, artifact: None });
        }
        self.reporter.status(Status::Packing).await;
        let contents = Contents {
            host: prepared.toolchain.host.clone(),
            rustc: prepared.toolchain.rustc.clone(),
            run_on_device,
            settings: BuildSettings::of(request),
            products,
            lock,
        };
        let path = self.attempt.output.join("artifact.zip");
        let (to, project) = (path.clone(), prepared.project.clone());
        let packed = self
            .blocking("packing", move |cancel| match pack_once(&contents, &project, &to, cancel) {
                Ok(info) => Ok(info),
                Err(PackError::Cancelled) => Err(Fault::Cancelled),
                Err(error @ PackError::TooLarge(_)) => Err(Fault::Refused(error.to_string())),
                Err(PackError::Io(error)) => Err(disk("pack what was built", &error)),
            })
            .await;
        self.history.times.packing += millis(begun);
        let info = match packed {
            Err(Fault::OutOfTime { .. }) => return Err(self.pause(&run).await),
            packed => packed?,
        };
        Ok(Done { outcome, exit_code, message, artifact: Some((info, path)) })
    }
}

/// Whether a lock file is there that the client doesn't have.
fn is_changed(lock: &Path, sent: Option<&str>) -> bool {
    lock.symlink_metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() <= MAX_LOCK_BYTES)
        && hash_file(lock).is_ok_and(|sha256| Some(sha256.as_str()) != sent)
}

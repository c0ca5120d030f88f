//! Sends a request and its source: one thread packs the archive, another uploads it, and this one shows the progress.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::bail;
use data_encoding::HEXLOWER;
use protocol::limits::{MAX_REQUEST_BYTES, MAX_SOURCE_BYTES};
use protocol::{BuildId, Command, Request, RequestFile, keys};

use super::pack::{ProjectSource, check_limits, exclusion_advice, report_listing};
use super::session::Session;
use super::targets::TargetCheck;
use crate::random::random;
use crate::source::{SourceEntry, SourceListing, SourcePackError, pack};
use crate::storage::{PartWriter, SourceUpload, StorageError, UploadOutcome};
use crate::terminal::bytes;

/// How often a source that changes meanwhile is packed before the client gives up.
const MAX_PACKINGS: u32 = 3;

/// How often progress and Ctrl-C are looked at.
const POLL: Duration = Duration::from_millis(50);

/// What is uploaded, and where to.
struct Shipment<'a> {
    /// The key in the input bucket.
    key: &'a str,
    /// The object's metadata: names without `x-amz-meta-`, and values.
    metadata: &'a [(String, String)],
    /// The first entry of the archive.
    request: &'a RequestFile,
    /// The other entries of the archive.
    entries: &'a [SourceEntry],
}

/// Why a request and its source could not be sent.
#[derive(Debug, thiserror::Error)]
enum SendError {
    /// This file changed while it was packed. Nothing was stored, so the source can be packed again.
    #[error("`{0}` changed while it was packed")]
    SourceChanged(String),
    /// Another reason, which trying again would not mend.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// Sends a request, and the source that belongs to it if there is one. Returns the id of the build.
///
/// # Errors
/// If the backend can't build for a target, the request or the source is over a limit, a file can't be read or keeps changing, or the backend can't be reached.
pub fn send(session: &Session, source: Option<&ProjectSource>, request: &Request) -> anyhow::Result<BuildId> {
    let (metadata, file) = request.encode();
    check_request_size(&file)?;
    let metadata: Vec<_> = metadata.into_iter().collect();
    let mut packing = 1;
    let mut check = (request.command != Command::Clean).then(|| TargetCheck::start(session, request));
    loop {
        let listing = source.map(|source| list(session, source, packing == 1)).transpose()?;
        if let Some(check) = check.take() {
            check.finish()?;
        }
        if let (Some(source), Some(listing)) = (source, &listing) {
            let (name, count) = (&source.project.name, listing.entries.len());
            session.shell.status("Packing", format!("{name} ({count} files, {})", bytes(listing.size())));
        }
        let entries = listing.map(|listing| listing.entries).unwrap_or_default();
        let build = session.new_build()?;
        let key = keys::source(&session.backend.owner, &build);
        let shipment = Shipment { key: &key, metadata: &metadata, request: &file, entries: &entries };
        match upload(session, &shipment) {
            Ok(()) => return Ok(build),
            Err(SendError::Failed(error)) => return Err(error),
            Err(SendError::SourceChanged(path)) if packing >= MAX_PACKINGS => bail!(
                "`{path}` keeps changing while it is packed; stop what writes it, or leave it out with `exclude` under \
                 [workspace.metadata.cloud]"
            ),
            Err(changed @ SendError::SourceChanged(_)) => session.shell.note(format!("{changed}; packing again")),
        }
        packing += 1;
    }
}

/// Lists what is sent, and says so; `first`: it is not a repetition.
fn list(session: &Session, source: &ProjectSource, first: bool) -> anyhow::Result<SourceListing> {
    let listing = source.list()?;
    if first {
        report_listing(session.shell, &listing);
    }
    check_limits(&listing)?;
    Ok(listing)
}

/// Packs and uploads at the same time.
fn upload(session: &Session, shipment: &Shipment) -> Result<(), SendError> {
    let Session { interrupt, storage, .. } = session;
    let progress = UploadProgress::of(shipment);
    let token = random_token()?;
    let (writer, upload) = SourceUpload::new();
    let watcher = thread::current();
    let (packing, sending) = thread::scope(|scope| {
        let packer = scope.spawn(|| {
            let mut out = LimitedWriter { inner: writer, packed: &progress.packed };
            let outcome = pack(shipment.request, shipment.entries, &mut out, &progress.read).map(drop);
            progress.all_packed.store(outcome.is_ok(), Ordering::Relaxed);
            // A writer that is dropped before its end makes the other thread give up.
            outcome.and_then(|()| out.inner.finish().map_err(SourcePackError::Output))
        });
        let sender = scope.spawn(|| {
            let outcome = upload.run(storage, shipment.key, shipment.metadata, &token, &progress.sent);
            watcher.unpark();
            outcome
        });
        let mut announced = false;
        while !sender.is_finished() {
            thread::park_timeout(POLL);
            if interrupt.requested() {
                storage.shut_down();
            }
            progress.show(session, &mut announced);
        }
        (packer.join(), sender.join())
    });
    session.shell.clear();
    let (Ok(packing), Ok(sending)) = (packing, sending) else {
        return Err(anyhow::anyhow!("a thread of the upload died").into());
    };
    match (packing, sending) {
        (Err(SourcePackError::Changed(path)), _) => Err(SendError::SourceChanged(path)),
        (Err(SourcePackError::Output(error)), Ok(_)) => Err(over_limit_or(error, shipment.entries).into()),
        // The archive ends early when its upload fails. Only the upload knows why.
        (Err(SourcePackError::Output(_)) | Ok(()), Err(error)) => {
            let error = if interrupt.requested() { StorageError::Interrupted } else { error };
            Err(SendError::Failed(error.into()))
        }
        (Err(error), _) => Err(SendError::Failed(error.into())),
        (Ok(()), Ok(UploadOutcome::Whole)) => Ok(()),
        (Ok(()), Ok(UploadOutcome::Abandoned)) => Err(anyhow::anyhow!("the upload stopped before its end").into()),
    }
}

/// How far packing and uploading have come.
struct UploadProgress {
    /// Bytes of the source, before compression.
    total: u64,
    /// Bytes of the source that were read.
    read: AtomicU64,
    /// Bytes of the archive that were written.
    packed: AtomicU64,
    /// Bytes of the archive that were sent.
    sent: AtomicU64,
    /// Whether the archive is complete.
    all_packed: AtomicBool,
}

impl UploadProgress {
    fn of(shipment: &Shipment) -> Self {
        let zero = || AtomicU64::new(0);
        let total = shipment.entries.iter().map(SourceEntry::size).sum();
        Self { total, read: zero(), packed: zero(), sent: zero(), all_packed: AtomicBool::new(false) }
    }

    /// Shows the progress; `announced`: the final size was printed.
    fn show(&self, session: &Session, announced: &mut bool) {
        let shell = session.shell;
        let [read, packed, sent] = [&self.read, &self.packed, &self.sent].map(|count| count.load(Ordering::Relaxed));
        if self.all_packed.load(Ordering::Relaxed) {
            if !std::mem::replace(announced, true) {
                shell.status("Uploading", format!("{} to {}", bytes(packed), session.backend.name));
            }
            shell.transfer("Uploading", sent, packed);
        } else {
            // The rest is expected to shrink about as much as what is packed.
            let rest = self.total.saturating_sub(read) as f64 * (packed as f64 / read.max(1) as f64).min(1.0);
            shell.transfer("Uploading", sent, packed + rest as u64);
        }
    }
}

/// The error of a source whose archive is too large, else the error itself.
fn over_limit_or(error: io::Error, entries: &[SourceEntry]) -> anyhow::Error {
    if error.get_ref().is_some_and(|error| error.is::<ArchiveTooLarge>()) {
        let limit = bytes(MAX_SOURCE_BYTES);
        return anyhow::anyhow!("the packed source is larger than {limit}\n{}", exclusion_advice(entries));
    }
    SourcePackError::Output(error).into()
}

/// A token by which the upload recognises its own object after a repeated request.
fn random_token() -> anyhow::Result<String> {
    Ok(HEXLOWER.encode(&random::<16>()?))
}

/// The archive is larger than any backend accepts.
#[derive(Debug, thiserror::Error)]
#[error("the archive is too large")]
struct ArchiveTooLarge;

/// Counts the bytes of the archive, and stops at the limit.
struct LimitedWriter<'a> {
    inner: PartWriter,
    packed: &'a AtomicU64,
}

impl Write for &mut LimitedWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        if self.packed.fetch_add(count as u64, Ordering::Relaxed) + count as u64 > MAX_SOURCE_BYTES {
            return Err(io::Error::other(ArchiveTooLarge));
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Checks the size of a request, which depends on flags and environment only.
fn check_request_size(request: &RequestFile) -> anyhow::Result<()> {
    let size = serde_json::to_vec(request)?.len() as u64;
    if size > MAX_REQUEST_BYTES {
        bail!("flags and variables have {} together, the limit is {}", bytes(size), bytes(MAX_REQUEST_BYTES));
    }
    Ok(())
}

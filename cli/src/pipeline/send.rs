//! The source on its way up: packed by one thread, sent by another, watched by this one.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::bail;
use data_encoding::HEXLOWER;
use protocol::limits::{MAX_ENTRIES, MAX_SOURCE_BYTES, MAX_UNPACKED_BYTES};
use protocol::{BuildId, Request, RequestFile, keys};

use crate::interrupt::Interrupt;
use crate::pipeline::Session;
use crate::pipeline::plan::Workspace;
use crate::source::{self, Commit, SourceEntry, SourceListing, SourcePackError, biggest_folders, pack};
use crate::storage::{PartWriter, SourceUpload, Storage, StorageError, UploadOutcome};
use crate::terminal::{Shell, bytes};

/// A source that changes is listed and packed again so often.
const MAX_PACKINGS: u32 = 3;

/// So many secrets are named in a warning.
const NAMED_SECRETS: usize = 5;

/// What is sent, and to where.
pub struct Shipment<'a> {
    /// The key in the input bucket.
    pub key: &'a str,
    /// Names without `x-amz-meta-`.
    pub metadata: &'a [(String, String)],
    /// The archive's first entry.
    pub request: &'a RequestFile,
    /// The rest of it.
    pub entries: &'a [SourceEntry],
    /// The backend's name, for people.
    pub backend: &'a str,
}

/// Why nothing was sent, where trying again helps.
#[derive(Debug)]
pub enum SourceChanged {
    /// This file changed in the meantime.
    Changed(String),
}

/// Packs the project and sends it; `with_git`: the repository's last commit too. Returns the build's id.
pub fn send_project(
    session: &Session,
    workspace: &Workspace,
    request: &Request,
    with_git: bool,
) -> anyhow::Result<BuildId> {
    let shell = session.shell;
    let (metadata, file) = request.encode();
    check_request(&file)?;
    let metadata: Vec<_> = metadata.into_iter().collect();
    let commit = if with_git { Some(Commit::take(&workspace.project)?) } else { None };
    let mut packings = 0;
    loop {
        let mut listing = source::list(&workspace.project, &workspace.target_dir)?;
        if let Some(commit) = &commit {
            listing.entries.extend(commit.entries(&workspace.project)?);
        }
        if packings == 0 {
            tell(shell, &listing);
        }
        check_limits(&listing)?;
        let message =
            format!("{} ({} files, {})", workspace.project.name, listing.entries.len(), bytes(listing.size()));
        shell.status("Packing", message);
        let build = session.new_build()?;
        let key = keys::source(&session.backend.owner, &build);
        let shipment = Shipment {
            key: &key,
            metadata: &metadata,
            request: &file,
            entries: &listing.entries,
            backend: &session.backend.name,
        };
        let Err(SourceChanged::Changed(path)) = send(shell, session.interrupt, &session.storage, &shipment)? else {
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

/// Sends a request without a source. Returns the build's id.
pub fn send_request(session: &Session, request: &Request) -> anyhow::Result<BuildId> {
    let (metadata, file) = request.encode();
    check_request(&file)?;
    let metadata: Vec<_> = metadata.into_iter().collect();
    let build = session.new_build()?;
    let key = keys::source(&session.backend.owner, &build);
    let shipment =
        Shipment { key: &key, metadata: &metadata, request: &file, entries: &[], backend: &session.backend.name };
    match send(session.shell, session.interrupt, &session.storage, &shipment)? {
        Ok(()) => Ok(build),
        Err(SourceChanged::Changed(path)) => bail!("`{path}` changed while it was packed"),
    }
}

/// Says what of a source is worth knowing before it goes.
pub fn tell(shell: &Shell, listing: &SourceListing) {
    for note in &listing.notes {
        shell.note(note);
    }
    if let Some(first) = listing.secrets.first() {
        let named = listing.secrets.iter().take(NAMED_SECRETS).map(|path| format!("`{path}`")).collect::<Vec<_>>();
        let more = match listing.secrets.len() - named.len() {
            0 => String::new(),
            count => format!(" and {count} more"),
        };
        shell.warn(format!(
            "what looks like a secret is sent to the builder: {}{more}; leave it out with `exclude = [\"{first}\"]` under \
             [workspace.metadata.cloud], or name it in `include` if the build needs it",
            named.join(", ")
        ));
    }
}

/// Refuses what no backend takes, before anything is sent.
pub fn check_limits(listing: &SourceListing) -> anyhow::Result<()> {
    let (count, size) = (listing.entries.len() + 1, listing.size());
    let over = if count > MAX_ENTRIES {
        format!("the source has {count} files, the limit is {MAX_ENTRIES}")
    } else if size > MAX_UNPACKED_BYTES {
        format!("the source is {} large, the limit is {}", bytes(size), bytes(MAX_UNPACKED_BYTES))
    } else {
        return Ok(());
    };
    bail!("{over}\n{}", advice(&listing.entries))
}

fn advice(entries: &[SourceEntry]) -> String {
    let folders = biggest_folders(entries, 5);
    let list: Vec<_> = folders
        .iter()
        .map(|(name, size, files)| format!("  {:>10} in {files} files of `{name}`", bytes(*size)))
        .collect();
    let name = folders.first().map_or("data", |(name, ..)| name);
    format!(
        "The largest folders:\n{}\nLeave out what the build doesn't need, in Cargo.toml:\n  [workspace.metadata.cloud]\n  exclude = [\"/{name}\"]",
        list.join("\n")
    )
}

/// Packs and uploads at once. The outer error is the end; the inner one is worth another try with a fresh listing.
pub fn send(
    shell: &Shell,
    interrupt: &Interrupt,
    storage: &Storage,
    shipment: &Shipment,
) -> anyhow::Result<Result<(), SourceChanged>> {
    let total: u64 = shipment.entries.iter().map(SourceEntry::size).sum();
    let (read, packed, sent) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let whole = AtomicBool::new(false);
    let token = random_token()?;
    let (writer, upload) = SourceUpload::new();
    let main = thread::current();
    let (packing, sending) = thread::scope(|scope| {
        let packer = scope.spawn(|| {
            let mut out = Metered { inner: writer, packed: &packed };
            let outcome = pack(shipment.request, shipment.entries, &mut out, &read).map(drop);
            whole.store(outcome.is_ok(), Ordering::Relaxed);
            // Dropping the writer before its end tells the other side to give up.
            outcome.and_then(|()| out.inner.finish().map_err(SourcePackError::Output))
        });
        let sender = scope.spawn(|| {
            let outcome = upload.run(storage, shipment.key, shipment.metadata, &token, &sent);
            main.unpark();
            outcome
        });
        let mut told = false;
        while !sender.is_finished() {
            thread::park_timeout(Duration::from_millis(50));
            if interrupt.requested() {
                storage.shut_down();
            }
            let (read, packed, sent) =
                (read.load(Ordering::Relaxed), packed.load(Ordering::Relaxed), sent.load(Ordering::Relaxed));
            if whole.load(Ordering::Relaxed) {
                if !std::mem::replace(&mut told, true) {
                    shell.status("Uploading", format!("{} to {}", bytes(packed), shipment.backend));
                }
                shell.transfer("Uploading", sent, packed);
            } else {
                // What is still to come will shrink about as much as what was packed.
                let rest = total.saturating_sub(read) as f64 * (packed as f64 / read.max(1) as f64).min(1.0);
                shell.transfer("Uploading", sent, packed + rest as u64);
            }
        }
        (packer.join(), sender.join())
    });
    shell.clear();
    let (Ok(packing), Ok(sending)) = (packing, sending) else { bail!("a thread of the upload died") };
    match (packing, sending) {
        (Err(SourcePackError::Changed(path)), _) => Ok(Err(SourceChanged::Changed(path))),
        // The archive ends early when its taker fails; the taker knows why.
        (Err(SourcePackError::Output(error)), Ok(_)) => {
            if error.get_ref().is_some_and(|error| error.is::<TooLarge>()) {
                bail!("the packed source is larger than {}\n{}", bytes(MAX_SOURCE_BYTES), advice(shipment.entries));
            }
            Err(SourcePackError::Output(error).into())
        }
        (Err(SourcePackError::Output(_)) | Ok(()), Err(error)) => Err(interrupted_or(interrupt, error).into()),
        (Err(error), _) => Err(error.into()),
        (Ok(()), Ok(UploadOutcome::Whole)) => Ok(Ok(())),
        (Ok(()), Ok(UploadOutcome::Abandoned)) => bail!("the upload ended before its end"),
    }
}

fn interrupted_or(interrupt: &Interrupt, error: StorageError) -> StorageError {
    if interrupt.requested() { StorageError::Interrupted } else { error }
}

fn random_token() -> anyhow::Result<String> {
    Ok(HEXLOWER.encode(&crate::random::random::<16>()?))
}

#[derive(Debug, thiserror::Error)]
#[error("over the limit")]
struct TooLarge;

/// Counts what is packed, and stops at the limit.
struct Metered<'a> {
    inner: PartWriter,
    packed: &'a AtomicU64,
}

impl Write for &mut Metered<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        if self.packed.fetch_add(count as u64, Ordering::Relaxed) + count as u64 > MAX_SOURCE_BYTES {
            return Err(io::Error::other(TooLarge));
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Refuses a request that is over its own limit; its size depends on flags and environment only.
pub fn check_request(request: &RequestFile) -> anyhow::Result<()> {
    let size = serde_json::to_vec(request)?.len() as u64;
    if size > protocol::limits::MAX_REQUEST_BYTES {
        bail!(
            "the flags and variables come to {}, the limit is {}",
            bytes(size),
            bytes(protocol::limits::MAX_REQUEST_BYTES)
        );
    }
    Ok(())
}

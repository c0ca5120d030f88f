//! Writes the `Cargo.lock` that a build made or changed back into the project.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, bail};
use protocol::ArtifactFile;

use super::artifact::Artifact;
use super::staged::StagedFile;
use crate::storage::sha256_hex;

/// Largest `Cargo.lock` in bytes that is accepted; one with a thousand dependencies has a few hundred KB.
const MAX_LOCK_BYTES: u64 = 64 * 1024 * 1024;

/// The SHA-256 of a file in hex; `None` if the file is missing or can't be read.
pub fn sha256_of(path: &Path) -> Option<String> {
    let bytes = std::fs::read(path).ok()?;
    Some(sha256_hex(&bytes))
}

/// Replaces `Cargo.lock` in `root` by the builder's. `sent` is the SHA-256 of the one that the client sent. Returns false,
/// and changes nothing, if the device's file has changed since.
///
/// # Errors
/// If the builder's file is too large or damaged, or can't be written.
pub fn write_back(
    artifact: &mut Artifact,
    file: &ArtifactFile,
    root: &Path,
    sent: Option<&str>,
) -> anyhow::Result<bool> {
    let path = root.join("Cargo.lock");
    if sha256_of(&path).as_deref() != sent {
        return Ok(false);
    }
    if file.size > MAX_LOCK_BYTES {
        bail!("the builder's Cargo.lock has {} bytes, which is too large", file.size);
    }
    let mut content = Vec::new();
    artifact.unpack(file, &mut content)?;
    // If `Cargo.lock` is a link to a shared file, it stays a link.
    let destination = path.canonicalize().unwrap_or(path);
    let mut staged = StagedFile::new(destination)?;
    staged.file().write_all(&content).context("could not write Cargo.lock")?;
    staged.commit(0o644)?;
    Ok(true)
}

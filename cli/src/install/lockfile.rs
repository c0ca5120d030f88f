//! `Cargo.lock`, where the build made or changed it.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, bail};
use protocol::ArtifactFile;

use super::artifact::Artifact;
use super::place::Staged;
use crate::storage::sha256_hex;

/// A thousand dependencies are a few hundred kilobytes.
const MAX_LOCK_BYTES: u64 = 64 * 1024 * 1024;

/// SHA-256 in hex of a file; `None` if it isn't there or can't be read.
pub fn sha256_of(path: &Path) -> Option<String> {
    let bytes = std::fs::read(path).ok()?;
    Some(sha256_hex(&bytes))
}

/// Puts the builder's `Cargo.lock` into the root, unless the device's is not the one that was `sent` any more; then
/// it returns false.
pub fn write_back(
    artifact: &mut Artifact,
    file: &ArtifactFile,
    root: &Path,
    sent: Option<&str>,
) -> anyhow::Result<bool> {
    let place = root.join("Cargo.lock");
    if sha256_of(&place).as_deref() != sent {
        return Ok(false);
    }
    if file.size > MAX_LOCK_BYTES {
        bail!("the builder's Cargo.lock has {} bytes, which no Cargo.lock has", file.size);
    }
    let mut content = Vec::new();
    artifact.unpack(file, &mut content)?;
    // One that is a link, to a shared one, stays a link.
    let place = place.canonicalize().unwrap_or(place);
    let mut staged = Staged::new(place)?;
    staged.file().write_all(&content).context("could not write Cargo.lock")?;
    staged.commit(0o644)?;
    Ok(true)
}

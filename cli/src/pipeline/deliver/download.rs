//! Downloads an artifact into the folder where it is unpacked.

use std::path::Path;

use anyhow::{Context, bail};
use protocol::ArtifactInfo;
use protocol::limits::MAX_ARTIFACT_BYTES;

use super::super::session::Session;
use crate::install::Artifact;
use crate::terminal::bytes;

/// Downloads an artifact into a file without a name, in the folder where it is unpacked: it is never in memory as a whole,
/// and it is gone when this process ends.
///
/// # Errors
/// If the artifact is too large, can't be downloaded or stored, or differs from its digest.
pub fn download(session: &Session, key: &str, info: &ArtifactInfo, folder: &Path) -> anyhow::Result<Artifact> {
    let Session { shell, interrupt, storage, .. } = session;
    if info.size > MAX_ARTIFACT_BYTES {
        bail!("the artifact is {}, the limit is {}", bytes(info.size), bytes(MAX_ARTIFACT_BYTES));
    }
    let file = std::fs::create_dir_all(folder)
        .and_then(|()| tempfile::tempfile_in(folder))
        .with_context(|| format!("could not write into `{}`", folder.display()))?;
    let progress = |done| {
        shell.transfer("Downloading", done, info.size);
        !interrupt.requested()
    };
    let outcome = storage.download(key, info, &file, progress);
    shell.clear();
    outcome?;
    shell.status("Downloaded", bytes(info.size));
    Artifact::open(file)
}

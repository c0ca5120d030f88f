//! The artifact on its way down.

use std::path::Path;

use anyhow::{Context, bail};
use protocol::ArtifactInfo;
use protocol::limits::MAX_ARTIFACT_BYTES;

use crate::install::Artifact;
use crate::pipeline::Session;
use crate::terminal::bytes;

/// Into a file without a name, in the folder where it is unpacked: never whole in memory, and gone with this process.
pub fn fetch(session: &Session, key: &str, info: &ArtifactInfo, folder: &Path) -> anyhow::Result<Artifact> {
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

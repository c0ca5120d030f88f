//! Packs a build's files into `artifact.zip`.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use protocol::limits::{MAX_ARTIFACT_BYTES, PROTOCOL_VERSION};
use protocol::{ArtifactFile, ArtifactInfo, ArtifactManifest, BuildSettings, FileKind, MANIFEST_ENTRY};
use thiserror::Error;
use tokio_util::sync::CancellationToken;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::BuiltFile;
use crate::source::hash_file;

/// The fastest compression level: a higher one would take longer than it saves on the network.
const LEVEL: i64 = 1;

/// Number of bytes to copy at a time.
const CHUNK: usize = 256 * 1024;

/// Why the artifact could not be packed.
#[derive(Debug, Error)]
pub(crate) enum ArtifactPackError {
    /// The build was cancelled while packing.
    #[error("cancelled")]
    Cancelled,
    /// The files exceed the size limit; the number is their size in MiB.
    #[error("the build made {0} MiB of files, and the limit is {max} MiB: build fewer programs at a time, or strip them", max = MAX_ARTIFACT_BYTES >> 20)]
    TooLarge(u64),
    /// The backend's disk failed, or is full.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl From<zip::result::ZipError> for ArtifactPackError {
    fn from(error: zip::result::ZipError) -> Self {
        ArtifactPackError::Io(error.into())
    }
}

/// What goes into an artifact, and what its manifest says.
pub(crate) struct ArtifactContents {
    /// The target triple of the builder.
    pub host: String,
    /// What `rustc -vV` prints, as cargo records it with installed programs.
    pub rustc: String,
    /// Whether the device runs the programs, because the builder can't.
    pub run_on_device: bool,
    /// Profile and features of the build.
    pub settings: BuildSettings,
    /// Programs, libraries, documentation and reports.
    pub files: Vec<BuiltFile>,
    /// Path of `Cargo.lock`, if it is new or changed.
    pub lock: Option<PathBuf>,
}

/// Writes the artifact to `to`, the manifest first.
pub(crate) fn pack(
    contents: &ArtifactContents,
    to: &Path,
    cancel: &CancellationToken,
) -> Result<ArtifactInfo, ArtifactPackError> {
    let mut files = Vec::new();
    let lock = contents.lock.iter().map(|path| (path.as_path(), "Cargo.lock", FileKind::Lock));
    let built = contents.files.iter().map(|it| (it.file.as_path(), it.path.as_str(), it.kind.clone()));
    for (file, path, kind) in built.chain(lock) {
        let size = file.metadata()?.len();
        files.push((file, ArtifactFile { path: path.to_owned(), size, sha256: hash_file(file)?, kind }));
        if cancel.is_cancelled() {
            return Err(ArtifactPackError::Cancelled);
        }
    }
    let total: u64 = files.iter().map(|(_, file)| file.size).sum();
    if total > MAX_ARTIFACT_BYTES {
        return Err(ArtifactPackError::TooLarge(total >> 20));
    }
    let manifest = ArtifactManifest {
        v: PROTOCOL_VERSION,
        host: contents.host.clone(),
        rustc: contents.rustc.clone(),
        run_on_device: contents.run_on_device,
        settings: Some(contents.settings.clone()),
        files: files.iter().map(|(_, file)| file.clone()).collect(),
    };
    let options =
        SimpleFileOptions::default().compression_method(CompressionMethod::Deflated).compression_level(Some(LEVEL));
    let mut zip = ZipWriter::new(BufWriter::new(File::create(to)?));
    zip.start_file(MANIFEST_ENTRY, options.unix_permissions(0o644))?;
    zip.write_all(&serde_json::to_vec(&manifest).map_err(io::Error::from)?)?;
    for (from, file) in &files {
        let mode = if matches!(file.kind, FileKind::Executable { .. } | FileKind::ArtifactDir) { 0o755 } else { 0o644 };
        zip.start_file(&file.path, options.unix_permissions(mode).large_file(file.size >= u64::from(u32::MAX)))?;
        copy(from, &mut zip, cancel)?;
    }
    zip.finish()?.flush()?;
    Ok(ArtifactInfo { size: to.metadata()?.len(), sha256: hash_file(to)? })
}

fn copy(from: &Path, to: &mut impl Write, cancel: &CancellationToken) -> Result<(), ArtifactPackError> {
    let mut file = File::open(from)?;
    let mut buffer = vec![0; CHUNK];
    loop {
        if cancel.is_cancelled() {
            return Err(ArtifactPackError::Cancelled);
        }
        match file.read(&mut buffer)? {
            0 => return Ok(()),
            read => to.write_all(&buffer[..read])?,
        }
    }
}

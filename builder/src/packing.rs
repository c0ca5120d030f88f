//! Packing what was built.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use protocol::limits::{MAX_ARTIFACT_BYTES, PROTOCOL_VERSION};
use protocol::{ArtifactFile, ArtifactInfo, ArtifactManifest, BuildSettings, FileKind, MANIFEST_ENTRY};
use thiserror::Error;
use tokio_util::sync::CancellationToken;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::products::Product;
use crate::source::hash_file;

/// The fastest level: the network is faster than a thorough one.
const LEVEL: i64 = 1;

/// Bytes copied at a time.
const CHUNK: usize = 256 * 1024;

/// Why there is no artifact.
#[derive(Debug, Error)]
pub(crate) enum PackError {
    /// Told to stop.
    #[error("cancelled")]
    Cancelled,
    /// Too much was built.
    #[error("what was built is {0} MiB, the limit is {max} MiB: build fewer programs at a time, or strip them", max = MAX_ARTIFACT_BYTES >> 20)]
    TooLarge(u64),
    /// The backend's disk.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl From<zip::result::ZipError> for PackError {
    fn from(error: zip::result::ZipError) -> Self {
        PackError::Io(error.into())
    }
}

/// What goes into an artifact.
pub(crate) struct Contents {
    /// The builder's own triple.
    pub host: String,
    /// `rustc -vV`'s first line.
    pub rustc: String,
    /// Whether the device is to run the programs.
    pub run_on_device: bool,
    /// Profile and features of the build.
    pub settings: BuildSettings,
    /// What was built.
    pub products: Vec<Product>,
    /// `Cargo.lock`, if it is new or changed.
    pub lock: Option<PathBuf>,
}

/// Writes the artifact to `to`.
pub(crate) fn pack(contents: &Contents, to: &Path, cancel: &CancellationToken) -> Result<ArtifactInfo, PackError> {
    let mut files = Vec::new();
    let lock = contents.lock.iter().map(|path| (path.as_path(), "Cargo.lock", FileKind::Lock));
    let products = contents.products.iter().map(|p| (p.file.as_path(), p.path.as_str(), p.kind.clone()));
    for (file, path, kind) in products.chain(lock) {
        let size = file.metadata()?.len();
        files.push((file, ArtifactFile { path: path.to_owned(), size, sha256: hash_file(file)?, kind }));
        if cancel.is_cancelled() {
            return Err(PackError::Cancelled);
        }
    }
    let total: u64 = files.iter().map(|(_, file)| file.size).sum();
    if total > MAX_ARTIFACT_BYTES {
        return Err(PackError::TooLarge(total >> 20));
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

fn copy(from: &Path, to: &mut impl Write, cancel: &CancellationToken) -> Result<(), PackError> {
    let mut file = File::open(from)?;
    let mut buffer = vec![0; CHUNK];
    loop {
        if cancel.is_cancelled() {
            return Err(PackError::Cancelled);
        }
        match file.read(&mut buffer)? {
            0 => return Ok(()),
            read => to.write_all(&buffer[..read])?,
        }
    }
}

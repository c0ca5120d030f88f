//! Reads every file of a folder once, on all cores.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use rayon::prelude::*;
use serde::Serialize;
use sha2::{Digest, Sha256};
use walkdir::WalkDir;

/// What a folder holds.
#[derive(Default, Serialize)]
pub struct Weights {
    /// By extension.
    pub kinds: BTreeMap<String, Weight>,
    /// Bytes in files whose content is elsewhere in the folder too.
    pub copies: u64,
}

/// What some files weigh together.
#[derive(Default, Serialize)]
pub struct Weight {
    pub files: u64,
    pub bytes: u64,
    pub lines: u64,
    /// Bytes after zlib.
    pub packed: u64,
}

struct File {
    kind: String,
    bytes: u64,
    lines: u64,
    packed: u64,
    digest: [u8; 32],
}

/// Weighs a folder.
pub fn folder(folder: &Path) -> Result<Weights> {
    ensure!(folder.is_dir(), "it is no folder");
    let mut paths = Vec::new();
    for entry in WalkDir::new(folder) {
        let entry = entry?;
        if entry.file_type().is_file() {
            paths.push(entry.into_path());
        }
    }
    let files: Vec<File> = paths.par_iter().map(file).collect::<Result<_>>()?;
    let mut weights = Weights::default();
    let mut seen = HashMap::new();
    for file in files {
        let weight = weights.kinds.entry(file.kind).or_default();
        weight.files += 1;
        weight.bytes += file.bytes;
        weight.lines += file.lines;
        weight.packed += file.packed;
        if seen.insert(file.digest, ()).is_some() {
            weights.copies += file.bytes;
        }
    }
    Ok(weights)
}

fn file(path: &PathBuf) -> Result<File> {
    let content = fs::read(path).with_context(|| path.display().to_string())?;
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&content)?;
    Ok(File {
        kind: path.extension().map_or_else(|| "(none)".to_owned(), |kind| kind.to_string_lossy().into_owned()),
        bytes: content.len() as u64,
        lines: memchr::memchr_iter(b'\n', &content).count() as u64,
        packed: encoder.finish()?.len() as u64,
        digest: Sha256::digest(&content).into(),
    })
}

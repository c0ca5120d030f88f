//! A build's record on disk, from which a restarted backend knows whether to queue the build or to end it.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::files;

/// Name of the record in a build's folder.
const RECORD_FILE: &str = "build.json";

/// What is stored about a build when its source is uploaded and when an attempt begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredBuild {
    /// Version of this format: 1.
    pub version: u32,
    /// Size of the source archive in bytes.
    pub size: u64,
    /// Time of the upload, in milliseconds since 1970 (UTC).
    pub received: u64,
    /// User metadata of the source; names are without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
    /// Number of the last attempt that has begun, counted from 1; 0 for none.
    pub attempt: u32,
}

impl StoredBuild {
    /// Writes the record into the build's folder. Blocks the thread.
    pub fn save(&self, folder: &Path) -> io::Result<()> {
        files::write_atomically(&folder.join(RECORD_FILE), &serde_json::to_vec(self)?)
    }

    /// Reads the record from the build's folder. Blocks the thread.
    pub fn load(folder: &Path) -> io::Result<Self> {
        Ok(serde_json::from_slice(&std::fs::read(folder.join(RECORD_FILE))?)?)
    }

    /// Whether the folder holds a record, readable or not.
    pub fn exists(folder: &Path) -> bool {
        folder.join(RECORD_FILE).exists()
    }
}

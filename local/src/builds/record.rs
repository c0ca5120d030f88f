//! What is stored of a build until it has a result, so that a restart knows what to do with it.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::files;

/// The file in a build's folder.
const RECORD_FILE: &str = "build.json";

/// What is stored of a build from its upload to its result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredBuild {
    /// Version of this format: 1.
    pub version: u32,
    /// Bytes of the source archive.
    pub size: u64,
    /// When the source was uploaded, in milliseconds since 1970.
    pub received: u64,
    /// The source's metadata, names without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
    /// Number of the last attempt that has begun, from 1; 0 for none.
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

//! Records the files of the last upload, and what the build after it did to them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::to_ns;
use crate::project::ProjectFolder;

/// Version of the file format. A manifest of another version is ignored.
const VERSION: u32 = 1;

/// A changed file is at least this much newer than all earlier files and builds, in nanoseconds. Even after the clock
/// was set back, a new file must not be older than what was compiled from the old one.
const STEP: i64 = 1_000_000;

/// The list of all files of an upload.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UploadManifest {
    v: u32,
    /// The files by path below the source folder.
    pub files: BTreeMap<String, ManifestEntry>,
}

/// One file, link or folder of an upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ManifestEntry {
    /// A file: SHA-256 in hex, size in bytes, modification time in nanoseconds since 1970.
    File { sha256: String, size: u64, mtime: i64, executable: bool },
    /// A symbolic link and its target, as sent.
    Link { target: String },
    /// A folder that was sent by itself, because it is empty.
    Folder,
}

/// The properties that show whether a file was written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileStamp {
    /// Size of the file in bytes.
    pub size: u64,
    /// Modification time in nanoseconds since 1970.
    pub mtime: i64,
}

impl FileStamp {
    /// The stamp of a regular file. `None` if there is no file, or something else.
    pub fn at(path: &Path) -> io::Result<Option<Self>> {
        match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_file() => {
                Ok(Some(FileStamp { size: metadata.len(), mtime: to_ns(metadata.modified()?) }))
            }
            Ok(_) => Ok(None),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Whether an error means that there is no such file, or that a part of its path is not a folder.
pub(super) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// The state of the source after a build: when the build ended, and which uploaded files it wrote to (for example a
/// build script that generates a file in `src/` which is also uploaded). As with cargo on the device, such a file stays
/// until it is uploaded with other content.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PostBuildState {
    /// When the build ended, in nanoseconds since 1970.
    pub ended: i64,
    /// The files that the build wrote to, by path.
    pub altered: BTreeMap<String, FileStamp>,
}

/// What is known about the source folder on disk.
#[derive(Debug, Default)]
pub(crate) struct SourceState {
    /// The last upload that was applied completely.
    pub manifest: Option<UploadManifest>,
    /// An upload that was being applied when the engine ended.
    pub announced: Option<UploadManifest>,
    /// The state that the last build left.
    pub after_build: PostBuildState,
}

impl SourceState {
    /// The modification time for files that change `now`; both in nanoseconds since 1970.
    pub fn stamp_after(&self, now: i64) -> i64 {
        let manifests = self.manifest.iter().chain(&self.announced);
        let mtimes = manifests.flat_map(|manifest| manifest.files.values()).filter_map(|record| match record {
            ManifestEntry::File { mtime, .. } => Some(*mtime),
            ManifestEntry::Link { .. } | ManifestEntry::Folder => None,
        });
        let newest = mtimes.chain([self.after_build.ended]).max().unwrap_or(0);
        now.max(newest.saturating_add(STEP))
    }
}

impl UploadManifest {
    /// Creates a manifest of these files in the current format version.
    pub fn new(files: BTreeMap<String, ManifestEntry>) -> Self {
        Self { v: VERSION, files }
    }

    /// Reads everything that is known about a project's source folder.
    pub fn load(project: &ProjectFolder) -> io::Result<SourceState> {
        let current = |manifest: &UploadManifest| manifest.v == VERSION;
        Ok(SourceState {
            manifest: read::<UploadManifest>(&project.manifest)?.filter(current),
            announced: read::<UploadManifest>(&announced_file(project))?.filter(current).or_else(|| {
                // The engine ended while it wrote the announcement, before it changed anything. The files are compared
                // anyway, to be safe.
                announced_file(project).exists().then(UploadManifest::default)
            }),
            after_build: read(&after_build_file(project))?.unwrap_or_default(),
        })
    }

    /// Records that the source folder is about to change to this state.
    pub(super) fn announce(&self, project: &ProjectFolder) -> io::Result<()> {
        write(&announced_file(project), self)
    }

    /// Makes the announced state the present one, after all changes are made.
    pub(super) fn settle(project: &ProjectFolder) -> io::Result<()> {
        fs::rename(announced_file(project), &project.manifest)
    }
}

impl PostBuildState {
    /// Records which files of the upload a build wrote to. Call it after all processes of the build have ended.
    pub fn record(project: &ProjectFolder) -> io::Result<()> {
        let Some(manifest) = read::<UploadManifest>(&project.manifest)? else { return Ok(()) };
        let mut after = PostBuildState { ended: super::now_ns(), altered: BTreeMap::new() };
        for (path, record) in &manifest.files {
            let ManifestEntry::File { size, mtime, .. } = record else { continue };
            match FileStamp::at(&project.source.join(path))? {
                Some(stamp) if stamp != (FileStamp { size: *size, mtime: *mtime }) => {
                    after.altered.insert(path.clone(), stamp);
                }
                _ => {}
            }
        }
        let path = after_build_file(project);
        let new = path.with_extension("new");
        write(&new, &after)?;
        fs::rename(new, path)
    }
}

fn announced_file(project: &ProjectFolder) -> PathBuf {
    project.manifest.with_extension("announced.json")
}

fn after_build_file(project: &ProjectFolder) -> PathBuf {
    project.manifest.with_extension("after.json")
}

/// Reads a file that the engine wrote. `None` if it is missing or its content is invalid.
fn read<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match File::open(path) {
        Ok(file) => Ok(serde_json::from_reader(BufReader::new(file)).ok()),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn write(path: &Path, value: &impl Serialize) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    serde_json::to_writer(&mut file, value)?;
    file.flush()?;
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(mtime: i64, ended: i64) -> SourceState {
        let record = ManifestEntry::File { sha256: String::new(), size: 0, mtime, executable: false };
        SourceState {
            manifest: Some(UploadManifest::new(BTreeMap::from([("a".to_owned(), record)]))),
            after_build: PostBuildState { ended, altered: BTreeMap::new() },
            announced: None,
        }
    }

    #[test]
    fn changed_files_are_newer_than_all_earlier_builds_even_if_the_clock_was_set_back() {
        assert_eq!(state(5, 7).stamp_after(100_000_000), 100_000_000);
        assert_eq!(state(5, 70_000_000).stamp_after(100), 71_000_000);
        assert_eq!(state(90_000_000, 7).stamp_after(100), 91_000_000);
        assert_eq!(SourceState::default().stamp_after(100_000_000), 100_000_000);
    }
}

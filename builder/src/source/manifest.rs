//! What the last upload was, and what the build after it made of its files.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::to_ns;
use crate::project::Project;

/// Version of the format; a manifest of another is as good as none.
const VERSION: u32 = 1;

/// After the newest time that is in use, by this much (nanoseconds), comes the next upload at the earliest: a clock that
/// was set back must not make new files older than what was compiled from the old ones.
const STEP: i64 = 1_000_000;

/// The files of an upload.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    v: u32,
    /// By path below the source.
    pub files: BTreeMap<String, Record>,
}

/// One file of an upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Record {
    /// A file: SHA-256 in hex, bytes, modification time in nanoseconds since 1970, whether it is executable.
    File { sha256: String, size: u64, mtime: i64, executable: bool },
    /// A symbolic link.
    Link { target: String },
    /// A folder that was sent by itself, because nothing is in it.
    Folder,
}

/// What tells whether a file was written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Look {
    /// Bytes.
    pub size: u64,
    /// Modification time in nanoseconds since 1970.
    pub mtime: i64,
}

impl Look {
    /// Of a regular file; none for anything else, or nothing.
    pub fn at(path: &Path) -> io::Result<Option<Self>> {
        match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_file() => {
                Ok(Some(Look { size: metadata.len(), mtime: to_ns(metadata.modified()?) }))
            }
            Ok(_) => Ok(None),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Whether nothing is there: no such file, or a part of its path is no folder.
pub(super) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// What the last build left: files of the upload it wrote to (a build script that generates into `src/`, over a file
/// that is also uploaded), and when it ended. As with cargo at home, what it wrote stays until the file is uploaded
/// with other content.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Aftermath {
    /// Nanoseconds since 1970.
    pub ended: i64,
    /// How they looked after the build, by path.
    pub altered: BTreeMap<String, Look>,
}

/// All that is known of the source on disk.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// The last upload that was taken over whole.
    pub manifest: Option<Manifest>,
    /// An upload that was being taken over when something ended the engine.
    pub announced: Option<Manifest>,
    /// What the last build left.
    pub aftermath: Aftermath,
}

impl Known {
    /// The time for files that change now.
    pub fn stamp_after(&self, now: i64) -> i64 {
        let manifests = self.manifest.iter().chain(&self.announced);
        let mtimes = manifests.flat_map(|manifest| manifest.files.values()).filter_map(|record| match record {
            Record::File { mtime, .. } => Some(*mtime),
            Record::Link { .. } | Record::Folder => None,
        });
        let newest = mtimes.chain([self.aftermath.ended]).max().unwrap_or(0);
        now.max(newest.saturating_add(STEP))
    }
}

impl Manifest {
    /// A manifest of these files.
    pub fn new(files: BTreeMap<String, Record>) -> Self {
        Self { v: VERSION, files }
    }

    /// What is known of a project's source.
    pub fn load(project: &Project) -> io::Result<Known> {
        let current = |manifest: &Manifest| manifest.v == VERSION;
        Ok(Known {
            manifest: read::<Manifest>(&project.manifest)?.filter(current),
            announced: read::<Manifest>(&announcement(project))?.filter(current).or_else(|| {
                // Torn while it was written, before anything was changed: still a reason to compare.
                announcement(project).exists().then(Manifest::default)
            }),
            aftermath: read(&aftermath(project))?.unwrap_or_default(),
        })
    }

    /// Announces that the source is about to become this.
    pub(super) fn announce(&self, project: &Project) -> io::Result<()> {
        write(&announcement(project), self)
    }

    /// The announced change is made.
    pub(super) fn settle(project: &Project) -> io::Result<()> {
        fs::rename(announcement(project), &project.manifest)
    }
}

impl Aftermath {
    /// Records what a build did to the files of the upload. To be called when none of its processes is left.
    pub fn record(project: &Project) -> io::Result<()> {
        let Some(manifest) = read::<Manifest>(&project.manifest)? else { return Ok(()) };
        let mut after = Aftermath { ended: super::now_ns(), altered: BTreeMap::new() };
        for (path, record) in &manifest.files {
            let Record::File { size, mtime, .. } = record else { continue };
            match Look::at(&project.source.join(path))? {
                Some(look) if look != (Look { size: *size, mtime: *mtime }) => {
                    after.altered.insert(path.clone(), look);
                }
                _ => {}
            }
        }
        let path = aftermath(project);
        let unsettled = path.with_extension("new");
        write(&unsettled, &after)?;
        fs::rename(unsettled, path)
    }
}

fn announcement(project: &Project) -> PathBuf {
    project.manifest.with_extension("announced.json")
}

fn aftermath(project: &Project) -> PathBuf {
    project.manifest.with_extension("after.json")
}

/// Reads a file of ours; none if it isn't there or is not what we wrote.
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

    fn known(mtime: i64, ended: i64) -> Known {
        let record = Record::File { sha256: String::new(), size: 0, mtime, executable: false };
        Known {
            manifest: Some(Manifest::new(BTreeMap::from([("a".to_owned(), record)]))),
            aftermath: Aftermath { ended, altered: BTreeMap::new() },
            announced: None,
        }
    }

    #[test]
    fn new_files_are_newer_than_all_that_was_built_whatever_the_clock_says() {
        assert_eq!(known(5, 7).stamp_after(100_000_000), 100_000_000);
        assert_eq!(known(5, 70_000_000).stamp_after(100), 71_000_000);
        assert_eq!(known(90_000_000, 7).stamp_after(100), 91_000_000);
        assert_eq!(Known::default().stamp_after(100_000_000), 100_000_000);
    }
}

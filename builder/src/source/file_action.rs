//! Decides what happens to one uploaded file.

use super::manifest::{FileStamp, ManifestEntry};

/// What happens to an uploaded file. Times are in nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileAction {
    /// The file on disk stays; `mtime` is the modification time to record.
    Keep { mtime: i64 },
    /// The file is written with its old modification time, so that cargo finds it unchanged.
    Restore { mtime: i64 },
    /// The file is written with a new modification time, as a change.
    Write,
}

/// What is known about a path before the upload is applied.
#[derive(Debug, Clone, Copy)]
pub(super) struct KnownFile<'a> {
    /// Its entry in the manifest, if it has one.
    pub record: Option<&'a ManifestEntry>,
    /// The file that is on disk now.
    pub disk: Option<FileStamp>,
    /// Its state after the last build, if that build wrote to it.
    pub altered: Option<FileStamp>,
}

/// Decides by the manifest. `uploaded` is the SHA-256 of the uploaded content; `on_disk` computes that of the file on
/// disk, if it is needed.
pub(super) fn by_record<E>(
    uploaded: &str,
    path: KnownFile<'_>,
    on_disk: impl Fn() -> Result<String, E>,
) -> Result<FileAction, E> {
    let recorded = match path.record {
        Some(ManifestEntry::File { sha256, size, mtime, .. }) => {
            Some((sha256, FileStamp { size: *size, mtime: *mtime }))
        }
        _ => None,
    };
    let written_by_build = path.disk.is_some() && path.disk == path.altered;
    Ok(match (recorded, path.disk) {
        (Some((sha256, recorded)), None) if sha256 == uploaded => FileAction::Restore { mtime: recorded.mtime },
        (Some((sha256, recorded)), Some(disk)) if sha256 == uploaded && (disk == recorded || written_by_build) => {
            FileAction::Keep { mtime: recorded.mtime }
        }
        // A build created the file (a lock file, generated code) and the device sends it back unchanged.
        (None, Some(disk)) if on_disk()? == uploaded => FileAction::Keep { mtime: disk.mtime },
        (Some((sha256, _)), Some(disk)) if sha256 != uploaded && written_by_build && on_disk()? == uploaded => {
            FileAction::Keep { mtime: disk.mtime }
        }
        // The file is new, changed, or was written by something other than a build of this project, so the upload
        // replaces it.
        _ => FileAction::Write,
    })
}

/// Decides by the content on disk, when the manifest can't be trusted.
pub(super) fn by_content(sha256: &str, disk: Option<(FileStamp, String)>) -> FileAction {
    match disk {
        Some((look, content)) if content == sha256 => FileAction::Keep { mtime: look.mtime },
        _ => FileAction::Write,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "aa";

    fn record() -> ManifestEntry {
        ManifestEntry::File { sha256: A.to_owned(), size: 3, mtime: 10, executable: false }
    }

    fn look(size: u64, mtime: i64) -> Option<FileStamp> {
        Some(FileStamp { size, mtime })
    }

    fn action(
        uploaded: &str,
        record: Option<&ManifestEntry>,
        disk: Option<FileStamp>,
        altered: Option<FileStamp>,
        content: &str,
    ) -> FileAction {
        by_record(uploaded, KnownFile { record, disk, altered }, || Ok::<_, ()>(content.to_owned())).unwrap()
    }

    #[test]
    fn an_equal_file_stays_on_disk() {
        assert_eq!(action(A, Some(&record()), look(3, 10), None, A), FileAction::Keep { mtime: 10 });
    }

    #[test]
    fn a_missing_file_is_restored_with_its_time() {
        assert_eq!(action(A, Some(&record()), None, None, ""), FileAction::Restore { mtime: 10 });
    }

    #[test]
    fn changed_and_new_files_get_a_new_time() {
        assert_eq!(action("bb", Some(&record()), look(3, 10), None, A), FileAction::Write);
        assert_eq!(action(A, None, None, None, ""), FileAction::Write);
        assert_eq!(action(A, None, look(3, 10), None, "bb"), FileAction::Write);
        assert_eq!(action(A, Some(&ManifestEntry::Link { target: "x".to_owned() }), None, None, ""), FileAction::Write);
        assert_eq!(action("bb", Some(&record()), None, None, ""), FileAction::Write);
    }

    #[test]
    fn a_file_written_by_a_build_stays_and_one_written_by_others_does_not() {
        assert_eq!(action(A, Some(&record()), look(9, 20), look(9, 20), "bb"), FileAction::Keep { mtime: 10 });
        assert_eq!(action(A, Some(&record()), look(9, 21), look(9, 20), "bb"), FileAction::Write);
        assert_eq!(action(A, Some(&record()), look(3, 11), None, A), FileAction::Write);
        assert_eq!(
            action("cc", Some(&record()), look(9, 20), look(9, 20), "bb"),
            FileAction::Write,
            "a new upload counts"
        );
    }

    #[test]
    fn a_file_that_a_build_made_is_unchanged_when_the_device_sends_it() {
        assert_eq!(action("bb", None, look(9, 20), None, "bb"), FileAction::Keep { mtime: 20 });
        assert_eq!(action("bb", Some(&record()), look(9, 20), look(9, 20), "bb"), FileAction::Keep { mtime: 20 });
        assert_eq!(action("bb", Some(&record()), look(9, 20), None, "bb"), FileAction::Write);
    }

    #[test]
    fn without_a_manifest_only_equal_content_stays() {
        let disk = |content: &str| Some((FileStamp { size: 3, mtime: 10 }, content.to_owned()));
        assert_eq!(by_content(A, disk(A)), FileAction::Keep { mtime: 10 });
        assert_eq!(by_content(A, disk("bb")), FileAction::Write);
        assert_eq!(by_content(A, None), FileAction::Write);
    }
}

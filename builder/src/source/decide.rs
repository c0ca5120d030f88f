//! What becomes of one uploaded file.

use super::manifest::{Look, Record};

/// What becomes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileAction {
    /// What is on disk stays; its recorded modification time.
    Keep { mtime: i64 },
    /// It is written, with this modification time: the one it had, because cargo is to find it unchanged.
    Restore { mtime: i64 },
    /// It is written, as changed now.
    Write,
}

/// What is known of a path.
#[derive(Debug, Clone, Copy)]
pub(super) struct Path<'a> {
    /// What the manifest says.
    pub record: Option<&'a Record>,
    /// What is on disk now.
    pub disk: Option<Look>,
    /// How the last build left it, if it wrote to it.
    pub altered: Option<Look>,
}

/// Decides by the manifest. `uploaded` is the SHA-256 of the uploaded content; `on_disk` finds out that of the disk's,
/// where it is needed.
pub(super) fn by_record<E>(
    uploaded: &str,
    path: Path<'_>,
    on_disk: impl Fn() -> Result<String, E>,
) -> Result<FileAction, E> {
    let recorded = match path.record {
        Some(Record::File { sha256, size, mtime, .. }) => Some((sha256, Look { size: *size, mtime: *mtime })),
        _ => None,
    };
    let of_a_build = path.disk.is_some() && path.disk == path.altered;
    Ok(match (recorded, path.disk) {
        (Some((sha256, recorded)), None) if sha256 == uploaded => FileAction::Restore { mtime: recorded.mtime },
        (Some((sha256, recorded)), Some(disk)) if sha256 == uploaded && (disk == recorded || of_a_build) => {
            FileAction::Keep { mtime: recorded.mtime }
        }
        // A build made it (a lock file, generated code), and now it comes back from the device: nothing is new.
        (None, Some(disk)) if on_disk()? == uploaded => FileAction::Keep { mtime: disk.mtime },
        (Some((sha256, _)), Some(disk)) if sha256 != uploaded && of_a_build && on_disk()? == uploaded => {
            FileAction::Keep { mtime: disk.mtime }
        }
        // New, changed, or written to by something that was no build of this project: what was sent counts.
        _ => FileAction::Write,
    })
}

/// Decides where the manifest can't be trusted: by the content on disk.
pub(super) fn by_content(sha256: &str, disk: Option<(Look, String)>) -> FileAction {
    match disk {
        Some((look, content)) if content == sha256 => FileAction::Keep { mtime: look.mtime },
        _ => FileAction::Write,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "aa";

    fn record() -> Record {
        Record::File { sha256: A.to_owned(), size: 3, mtime: 10, executable: false }
    }

    fn look(size: u64, mtime: i64) -> Option<Look> {
        Some(Look { size, mtime })
    }

    fn fate(
        uploaded: &str,
        record: Option<&Record>,
        disk: Option<Look>,
        altered: Option<Look>,
        content: &str,
    ) -> FileAction {
        by_record(uploaded, Path { record, disk, altered }, || Ok::<_, ()>(content.to_owned())).unwrap()
    }

    #[test]
    fn an_equal_file_keeps_what_is_on_disk() {
        assert_eq!(fate(A, Some(&record()), look(3, 10), None, A), FileAction::Keep { mtime: 10 });
    }

    #[test]
    fn a_missing_one_comes_back_with_its_time() {
        assert_eq!(fate(A, Some(&record()), None, None, ""), FileAction::Restore { mtime: 10 });
    }

    #[test]
    fn changed_and_new_files_are_new() {
        assert_eq!(fate("bb", Some(&record()), look(3, 10), None, A), FileAction::Write);
        assert_eq!(fate(A, None, None, None, ""), FileAction::Write);
        assert_eq!(fate(A, None, look(3, 10), None, "bb"), FileAction::Write);
        assert_eq!(fate(A, Some(&Record::Link { target: "x".to_owned() }), None, None, ""), FileAction::Write);
        assert_eq!(fate("bb", Some(&record()), None, None, ""), FileAction::Write);
    }

    #[test]
    fn what_a_build_wrote_stays_and_what_others_wrote_does_not() {
        assert_eq!(fate(A, Some(&record()), look(9, 20), look(9, 20), "bb"), FileAction::Keep { mtime: 10 });
        assert_eq!(fate(A, Some(&record()), look(9, 21), look(9, 20), "bb"), FileAction::Write);
        assert_eq!(fate(A, Some(&record()), look(3, 11), None, A), FileAction::Write);
        assert_eq!(
            fate("cc", Some(&record()), look(9, 20), look(9, 20), "bb"),
            FileAction::Write,
            "a new upload counts"
        );
    }

    #[test]
    fn what_a_build_made_is_not_new_when_it_comes_back() {
        assert_eq!(fate("bb", None, look(9, 20), None, "bb"), FileAction::Keep { mtime: 20 });
        assert_eq!(fate("bb", Some(&record()), look(9, 20), look(9, 20), "bb"), FileAction::Keep { mtime: 20 });
        assert_eq!(fate("bb", Some(&record()), look(9, 20), None, "bb"), FileAction::Write);
    }

    #[test]
    fn without_trust_only_equal_content_stays() {
        let disk = |content: &str| Some((Look { size: 3, mtime: 10 }, content.to_owned()));
        assert_eq!(by_content(A, disk(A)), FileAction::Keep { mtime: 10 });
        assert_eq!(by_content(A, disk("bb")), FileAction::Write);
        assert_eq!(by_content(A, None), FileAction::Write);
    }
}

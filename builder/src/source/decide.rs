//! What becomes of one uploaded file.

use super::manifest::{Look, Record};

/// What becomes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// What is on disk stays; its recorded modification time.
    Keep { mtime: i64 },
    /// It is written, with this modification time: the one it had, because cargo is to find it unchanged.
    Restore { mtime: i64 },
    /// It is written, as changed now.
    Write,
}

/// Decides by what the manifest says of a path (`record`), what is on disk now, and how the last build left it, if it
/// wrote to it (`altered`). `sha256` is of the uploaded content.
pub(super) fn by_record(sha256: &str, record: Option<&Record>, disk: Option<Look>, altered: Option<Look>) -> Fate {
    let Some(Record::File { sha256: recorded, size, mtime, .. }) = record else { return Fate::Write };
    if recorded != sha256 {
        return Fate::Write;
    }
    match disk {
        None => Fate::Restore { mtime: *mtime },
        Some(look) if look == (Look { size: *size, mtime: *mtime }) || Some(look) == altered => {
            Fate::Keep { mtime: *mtime }
        }
        // Written to, and not by a build of this project: what was sent counts.
        Some(_) => Fate::Write,
    }
}

/// Decides where the manifest can't be trusted: by the content on disk.
pub(super) fn by_content(sha256: &str, disk: Option<(Look, String)>) -> Fate {
    match disk {
        Some((look, content)) if content == sha256 => Fate::Keep { mtime: look.mtime },
        _ => Fate::Write,
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

    #[test]
    fn an_equal_file_keeps_what_is_on_disk() {
        assert_eq!(by_record(A, Some(&record()), look(3, 10), None), Fate::Keep { mtime: 10 });
    }

    #[test]
    fn a_missing_one_comes_back_with_its_time() {
        assert_eq!(by_record(A, Some(&record()), None, None), Fate::Restore { mtime: 10 });
    }

    #[test]
    fn changed_and_new_files_are_new() {
        assert_eq!(by_record("bb", Some(&record()), look(3, 10), None), Fate::Write);
        assert_eq!(by_record(A, None, None, None), Fate::Write);
        assert_eq!(by_record(A, None, look(3, 10), None), Fate::Write);
        assert_eq!(by_record(A, Some(&Record::Link { target: "x".to_owned() }), None, None), Fate::Write);
    }

    #[test]
    fn what_a_build_wrote_stays_and_what_others_wrote_does_not() {
        assert_eq!(by_record(A, Some(&record()), look(9, 20), look(9, 20)), Fate::Keep { mtime: 10 });
        assert_eq!(by_record(A, Some(&record()), look(9, 21), look(9, 20)), Fate::Write);
        assert_eq!(by_record(A, Some(&record()), look(3, 11), None), Fate::Write);
        assert_eq!(by_record("bb", Some(&record()), look(9, 20), look(9, 20)), Fate::Write, "a new upload counts");
    }

    #[test]
    fn without_trust_only_equal_content_stays() {
        let disk = |content: &str| Some((Look { size: 3, mtime: 10 }, content.to_owned()));
        assert_eq!(by_content(A, disk(A)), Fate::Keep { mtime: 10 });
        assert_eq!(by_content(A, disk("bb")), Fate::Write);
        assert_eq!(by_content(A, None), Fate::Write);
    }
}

use std::path::PathBuf;
use std::process::Command;

use super::*;

/// A repository that this machine's git created.
struct GitRepository(tempfile::TempDir);

impl GitRepository {
    fn new(format: &str) -> Option<Self> {
        let repository = Self(tempfile::tempdir().unwrap());
        let made = repository.try_git(&["init", "-q", &format!("--object-format={format}")]);
        if made.is_none() {
            eprintln!("skipped: there is no git that knows {format}");
        }
        made.map(|_| repository)
    }

    fn try_git(&self, arguments: &[&str]) -> Option<String> {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=t", "-c", "user.email=t@t.invalid", "-C"]).arg(self.0.path());
        let output = git.env("GIT_CONFIG_GLOBAL", "/dev/null").args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
    }

    fn git(&self, arguments: &[&str]) -> String {
        self.try_git(arguments).unwrap_or_else(|| panic!("git {arguments:?} failed"))
    }

    fn write(&self, paths: &[&str]) {
        for path in paths {
            let path = self.0.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
    }

    /// Compares with `git ls-files`, and returns the list.
    #[track_caller]
    fn check(&self, hash_bytes: usize, what: &str) -> Vec<String> {
        let listed = self.git(&["ls-files", "-z"]);
        let listed: BTreeSet<String> = listed.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect();
        let read: BTreeSet<String> = tracked_paths(&self.0.path().join(".git/index"), hash_bytes)
            .into_iter()
            .map(|path| String::from_utf8(path).unwrap())
            .collect();
        assert_eq!(read, listed, "{what}");
        listed.into_iter().collect()
    }

    fn version(&self) -> u8 {
        std::fs::read(self.0.path().join(".git/index")).unwrap()[7]
    }

    fn has_shared_index(&self) -> bool {
        let entries = std::fs::read_dir(self.0.path().join(".git")).unwrap().flatten();
        entries.map(|entry| entry.file_name()).any(|name| name.to_string_lossy().starts_with("sharedindex."))
    }
}

const PATHS: [&str; 9] = [
    "Cargo.toml",
    "src/a.rs",
    "src/ab/abc.rs",
    "src/ab/abd.rs",
    "src/b.rs",
    "src/ünï cödé.rs",
    "tests/data/one.bin",
    "tests/data/two.bin",
    "z",
];

#[test]
fn every_version_is_read_as_git_lists_it() {
    for (format, hash_bytes) in [("sha1", 20), ("sha256", 32)] {
        for version in ["2", "3", "4"] {
            let Some(repository) = GitRepository::new(format) else { return };
            // These names need padding and prefixes of all lengths.
            let long: Vec<String> = (1..40).map(|length| format!("d/{}", "n".repeat(length))).collect();
            repository.write(&PATHS);
            repository.write(&long.iter().map(String::as_str).collect::<Vec<_>>());
            repository.git(&["add", "."]);
            // Git writes version 3 only where an entry needs its flags.
            repository.write(&["later.rs"]);
            repository.git(&["add", "--intent-to-add", "later.rs"]);
            repository.git(&["update-index", "--index-version", version]);
            assert_eq!(repository.version(), if version == "4" { 4 } else { 3 });
            let listed = repository.check(hash_bytes, &format!("{format}, version {version}"));
            assert!(listed.len() == PATHS.len() + long.len() + 1 && listed.contains(&"later.rs".to_owned()));
            repository.git(&["rm", "-q", "--cached", "later.rs"]);
            repository.git(&["update-index", "--index-version", version]);
            assert_eq!(repository.version(), if version == "4" { 4 } else { 2 });
            repository.check(hash_bytes, version);
        }
    }
}

#[test]
fn entries_with_flags_are_still_tracked() {
    for version in ["2", "4"] {
        let Some(repository) = GitRepository::new("sha1") else { return };
        repository.write(&PATHS);
        repository.git(&["add", "."]);
        repository.git(&["update-index", "--index-version", version]);
        repository.git(&["update-index", "--assume-unchanged", "src/a.rs"]);
        repository.git(&["update-index", "--skip-worktree", "src/b.rs", "z"]);
        std::fs::remove_file(repository.0.path().join("z")).unwrap();
        assert_eq!(repository.check(20, version), PATHS);
    }
}

#[test]
fn unmerged_entries_are_tracked_once() {
    let Some(repository) = GitRepository::new("sha1") else { return };
    repository.write(&PATHS);
    repository.git(&["add", "."]);
    repository.git(&["commit", "-qm", "base"]);
    for (branch, text) in [("one", "1"), ("two", "2")] {
        repository.git(&["checkout", "-q", "-b", branch, "HEAD"]);
        std::fs::write(repository.0.path().join("z"), text).unwrap();
        repository.git(&["commit", "-qam", branch]);
        repository.git(&["checkout", "-q", "--detach", "HEAD~"]);
    }
    repository.git(&["checkout", "-q", "one"]);
    assert!(repository.try_git(&["merge", "two"]).is_none());
    assert_eq!(repository.check(20, "in a conflict"), PATHS);
}

#[test]
fn a_split_index_is_read_with_the_shared_one() {
    for (format, hash_bytes) in [("sha1", 20), ("sha256", 32)] {
        for version in ["2", "4"] {
            let Some(repository) = GitRepository::new(format) else { return };
            let many: Vec<String> = (0..300).map(|number| format!("many/{number:03}.rs")).collect();
            repository.write(&PATHS);
            repository.write(&many.iter().map(String::as_str).collect::<Vec<_>>());
            repository.git(&["config", "splitIndex.maxPercentChange", "100"]);
            repository.git(&["add", "."]);
            repository.git(&["update-index", "--index-version", version]);
            repository.git(&["update-index", "--split-index"]);
            assert!(repository.has_shared_index());
            let what = format!("{format}, version {version}");
            assert_eq!(repository.check(hash_bytes, &what).len(), PATHS.len() + many.len());
            // The index now has new, replaced and deleted entries, and runs of deleted ones.
            repository.write(&["src/new.rs"]);
            std::fs::write(repository.0.path().join("src/a.rs"), "changed").unwrap();
            repository.git(&["add", "src/new.rs", "src/a.rs"]);
            repository.git(&["rm", "-q", "--cached", "z", "tests/data/one.bin"]);
            let removed: Vec<&str> = many[64..256].iter().map(String::as_str).collect();
            repository.git(&[&["rm", "-q", "--cached"][..], &removed].concat());
            let file = std::fs::read(repository.0.path().join(".git/index")).unwrap();
            let shared = GitIndex::parse(&file, hash_bytes).unwrap().shared.unwrap();
            let deleted = ewah::positions(&shared.deleted, usize::MAX).unwrap();
            assert_eq!(deleted.len(), 2 + removed.len(), "{what}");
            let listed = repository.check(hash_bytes, &what);
            assert!(listed.contains(&"src/new.rs".to_owned()) && !listed.contains(&"z".to_owned()));
            assert_eq!(listed.len(), PATHS.len() + 1 - 2 + many.len() - removed.len());
            repository.git(&["update-index", "--no-split-index"]);
            assert_eq!(repository.check(hash_bytes, &what), listed);
        }
    }
}

#[test]
fn a_sparse_index_names_its_folders() {
    let Some(repository) = GitRepository::new("sha1") else { return };
    repository.write(&PATHS);
    repository.git(&["add", "."]);
    repository.git(&["commit", "-qm", "all"]);
    if repository.try_git(&["sparse-checkout", "set", "--cone", "--sparse-index", "src"]).is_none() {
        eprintln!("skipped: this git has no sparse index");
        return;
    }
    let read = tracked_paths(&repository.0.path().join(".git/index"), 20);
    assert!(read.contains(&b"tests/"[..]) && read.contains(&b"src/ab/abc.rs"[..]), "{read:?}");
    assert!(!read.contains(&b"tests/data/one.bin"[..]));
}

/// Reads small index files that git wrote, for machines without git. `paths` holds the output of `git ls-files`.
#[test]
fn stored_indexes_are_read() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/source/git_index/fixtures");
    for name in ["version2", "version3", "version4", "split"] {
        let folder = folder.join(name);
        let want = std::fs::read_to_string(folder.join("paths")).unwrap();
        let read: Vec<String> =
            tracked_paths(&folder.join("index"), 20).into_iter().map(|path| String::from_utf8(path).unwrap()).collect();
        assert_eq!(read, want.lines().collect::<Vec<_>>(), "{name}");
    }
    // Without the shared index file, no path is known.
    let alone = tempfile::tempdir().unwrap();
    std::fs::copy(folder.join("split/index"), alone.path().join("index")).unwrap();
    assert!(tracked_paths(&alone.path().join("index"), 20).is_empty());
}

#[test]
fn a_file_that_is_no_index_tracks_nothing() {
    for bytes in [&b""[..], b"DIRC", b"DIRC\0\0\0\x02\0\0\0\x09short", b"DIRC\0\0\0\x07\0\0\0\0", &[0xff; 200]] {
        assert_eq!(GitIndex::parse(bytes, 20), None, "{bytes:?}");
    }
    let unknown = [&b"DIRC\0\0\0\x02\0\0\0\0"[..], b"need\0\0\0\x01x", &[0; 20]].concat();
    assert_eq!(GitIndex::parse(&unknown, 20), None);
    let optional = [&b"DIRC\0\0\0\x02\0\0\0\0"[..], b"HINT\0\0\0\x01x", &[0; 20]].concat();
    assert_eq!(GitIndex::parse(&optional, 20), Some(GitIndex { paths: Vec::new(), shared: None }));
    // A real index that is cut off anywhere yields all its paths or is refused; only its extensions may be missing.
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/source/git_index/fixtures");
    let whole = std::fs::read(folder.join("version4/index")).unwrap();
    let count = GitIndex::parse(&whole, 20).unwrap().paths.len();
    for end in 0..whole.len() {
        assert!(GitIndex::parse(&whole[..end], 20).is_none_or(|index| index.paths.len() == count), "{end}");
    }
}

#[test]
fn offsets_are_encoded_as_git_does() {
    let offset = |bytes: &[u8]| Bytes(bytes).offset();
    assert_eq!(offset(&[0x00]), Some(0));
    assert_eq!(offset(&[0x7f]), Some(127));
    assert_eq!(offset(&[0x80, 0x00]), Some(128));
    assert_eq!(offset(&[0x80]), None);
}

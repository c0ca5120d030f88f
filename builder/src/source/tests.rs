use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use protocol::Owner;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

/// A project without source, and a place for archives.
struct TestProject {
    folder: tempfile::TempDir,
    folders: ProjectFolder,
}

impl TestProject {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let folders = ProjectFolder::new(&folder.path().join("work"), &Owner::default(), &"k-1".parse().unwrap());
        folders.prepare().unwrap();
        Self { folder, folders }
    }

    fn zip(&self, files: &[(&str, u32, &[u8])]) -> PathBuf {
        let path = self.folder.path().join("source.zip");
        let mut zip = ZipWriter::new(fs::File::create(&path).unwrap());
        let options = SimpleFileOptions::default();
        zip.start_file("request.json", options).unwrap();
        zip.write_all(br#"{"v":1}"#).unwrap();
        for (name, mode, content) in files {
            let name = format!("source/{name}");
            if mode & 0o170_000 == 0o120_000 {
                zip.add_symlink(name, std::str::from_utf8(content).unwrap(), options).unwrap();
            } else {
                zip.start_file(name, options.unix_permissions(*mode)).unwrap();
                zip.write_all(content).unwrap();
            }
        }
        zip.finish().unwrap();
        path
    }

    fn apply_zip(&self, path: &Path) -> Result<UploadChanges, ApplyError> {
        apply_upload(&SourceArchive::open(path)?, &self.folders, &CancellationToken::new())
    }

    fn apply(&self, files: &[(&str, u32, &[u8])]) -> Result<UploadChanges, ApplyError> {
        self.apply_zip(&self.zip(files))
    }

    fn refusal(&self, files: &[(&str, u32, &[u8])]) -> String {
        let error = self.apply(files).unwrap_err();
        assert!(matches!(error, ApplyError::Archive(ArchiveError::Bad(_))), "{error:?}");
        error.to_string()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folders.source.join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn mtime(&self, name: &str) -> i64 {
        to_ns(fs::metadata(self.path(name)).unwrap().modified().unwrap())
    }
}

const FILE: u32 = 0o100_644;
const LINK: u32 = 0o120_777;

#[test]
fn only_changed_files_get_a_new_time() {
    let project = TestProject::new();
    assert_eq!(project.apply(&[("a", FILE, b"1"), ("d/b", FILE, b"2"), ("x", 0o100_755, b"3")]).unwrap().files, 3);
    let (a, b) = (project.mtime("a"), project.mtime("d/b"));
    assert_eq!(fs::metadata(project.path("x")).unwrap().permissions().mode() & 0o777, 0o755);
    assert_eq!(project.apply(&[("a", FILE, b"1"), ("d/b", FILE, b"two"), ("x", FILE, b"3")]).unwrap().files, 2);
    assert_eq!(project.mtime("a"), a);
    assert!(project.mtime("d/b") > b);
    assert_eq!(project.text("d/b"), "two");
    assert!(project.mtime("x") > a, "a build script may look at the mode");
    assert_eq!(fs::metadata(project.path("x")).unwrap().permissions().mode() & 0o777, 0o644);
    // A file that is not in the upload is removed; one that a build made stays.
    fs::write(project.path("made"), "by a build").unwrap();
    assert_eq!(project.apply(&[("a", FILE, b"1")]).unwrap().files, 2);
    assert!(!project.path("d").exists() && project.path("made").exists());
    fs::remove_file(project.path("a")).unwrap();
    project.apply(&[("a", FILE, b"1")]).unwrap();
    assert_eq!(project.mtime("a"), a, "restored with its time");
}

#[test]
fn an_interrupted_change_is_found_by_content() {
    let project = TestProject::new();
    project.apply(&[("a", FILE, b"1"), ("b", FILE, b"1")]).unwrap();
    let before = project.mtime("b");
    let manifest = fs::read(&project.folders.manifest).unwrap();
    project.apply(&[("a", FILE, b"2"), ("b", FILE, b"1"), ("new", FILE, b"")]).unwrap();
    // Looks as if the engine had ended before the new manifest was in place.
    fs::rename(&project.folders.manifest, project.folders.manifest.with_extension("announced.json")).unwrap();
    fs::write(&project.folders.manifest, manifest).unwrap();
    let half = project.mtime("a");
    project.apply(&[("a", FILE, b"1"), ("b", FILE, b"1")]).unwrap();
    assert_eq!(project.text("a"), "1");
    assert!(project.mtime("a") > half, "the old content with the old time would never be built");
    assert_eq!(project.mtime("b"), before);
    assert!(!project.path("new").exists());
    assert!(!project.folders.manifest.with_extension("announced.json").exists());
}

#[test]
fn without_its_manifest_the_source_is_replaced() {
    let project = TestProject::new();
    project.apply(&[("src/bin/old.rs", FILE, b"1")]).unwrap();
    fs::write(&project.folders.manifest, "torn").unwrap();
    project.apply(&[("src/bin/new.rs", FILE, b"1")]).unwrap();
    assert!(!project.path("src/bin/old.rs").exists());
}

#[test]
fn a_file_that_someone_else_wrote_is_replaced() {
    let project = TestProject::new();
    project.apply(&[("a", FILE, b"1")]).unwrap();
    std::thread::sleep(Duration::from_millis(5));
    fs::write(project.path("a"), "evil").unwrap();
    project.apply(&[("a", FILE, b"1")]).unwrap();
    assert_eq!(project.text("a"), "1");
    // A file that a build of the project wrote stays.
    fs::write(project.path("a"), "made").unwrap();
    PostBuildState::record(&project.folders).unwrap();
    project.apply(&[("a", FILE, b"1")]).unwrap();
    assert_eq!(project.text("a"), "made");
}

#[test]
fn links_and_folders_a_build_put_in_the_way_are_not_followed() {
    let project = TestProject::new();
    let outside = project.folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("f"), "mine").unwrap();
    symlink(&outside, project.path("d")).unwrap();
    symlink(outside.join("f"), project.path("g")).unwrap();
    fs::create_dir_all(project.path("h/i")).unwrap();
    // This upload creates a manifest, so that the next one doesn't replace the source folder.
    project.apply(&[("a", FILE, b"")]).unwrap();
    symlink(&outside, project.path("d")).unwrap();
    symlink(outside.join("f"), project.path("g")).unwrap();
    fs::create_dir_all(project.path("h/i")).unwrap();
    project.apply(&[("a", FILE, b""), ("d/f", FILE, b"1"), ("g", FILE, b"2"), ("h", FILE, b"3")]).unwrap();
    assert_eq!(fs::read_to_string(outside.join("f")).unwrap(), "mine");
    assert_eq!((project.text("d/f"), project.text("g"), project.text("h")), ("1".into(), "2".into(), "3".into()));
    fs::remove_dir_all(project.path("d")).unwrap();
    symlink(&outside, project.path("d")).unwrap();
    project.apply(&[("a", FILE, b"")]).unwrap();
    assert!(outside.join("f").exists(), "deleted through a link");
}

#[test]
fn a_link_with_a_new_target_changes_the_file_behind_it() {
    let project = TestProject::new();
    project.apply(&[("one", FILE, b"1"), ("two", FILE, b"2"), ("l", LINK, b"one")]).unwrap();
    let before = project.mtime("two");
    assert_eq!(project.apply(&[("one", FILE, b"1"), ("two", FILE, b"2"), ("l", LINK, b"two")]).unwrap().files, 1);
    assert_eq!(project.text("l"), "2");
    assert!(project.mtime("two") > before);
    assert_eq!(project.apply(&[("one", FILE, b"1"), ("two", FILE, b"2"), ("l", LINK, b"two")]).unwrap().files, 0);
}

#[test]
fn hostile_archives_are_refused_and_change_nothing() {
    let project = TestProject::new();
    project.apply(&[("a", FILE, b"good")]).unwrap();
    for (files, word) in [
        (&[("/etc/x", FILE, b"" as &[u8])][..], "absolute"),
        (&[("../x", FILE, b"")], "leads out"),
        (&[("l", LINK, b"/etc")], "link that leads out"),
        (&[("l", LINK, b"../..")], "link that leads out"),
        (&[("l", LINK, b"a"), ("l/x", FILE, b"")], "below something"),
        (&[("f", FILE, b""), ("f/x", FILE, b"")], "below something"),
        (&[("a", FILE, b"new"), ("a\\b", FILE, b"")], "backslash"),
    ] {
        let refusal = project.refusal(files);
        assert!(refusal.contains(word), "{refusal}");
    }
    assert_eq!(project.text("a"), "good");
    assert!(!project.folder.path().join("x").exists());
}

#[test]
fn damaged_archives_are_refused_and_change_nothing() {
    let project = TestProject::new();
    project.apply(&[("a", FILE, b"good"), ("b", FILE, b"good")]).unwrap();
    let content: Vec<u8> = (0..200_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let path = project.zip(&[("a", FILE, b"new"), ("b", FILE, &content)]);
    let whole = fs::read(&path).unwrap();
    for cut in [0, 10, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..cut]).unwrap();
        let error = project.apply_zip(&path).unwrap_err();
        assert!(matches!(error, ApplyError::Archive(ArchiveError::Bad(_))), "cut at {cut}: {error:?}");
    }
    for at in [whole.len() / 2, whole.len() / 3] {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x55;
        fs::write(&path, &flipped).unwrap();
        let error = project.apply_zip(&path).unwrap_err();
        assert!(matches!(error, ApplyError::Archive(ArchiveError::Bad(_))), "flipped at {at}: {error:?}");
    }
    assert_eq!((project.text("a").as_str(), project.text("b").as_str()), ("good", "good"));
    assert!(!project.folders.staging.exists());
}

#[test]
fn an_archive_that_unpacks_to_more_than_it_claims_is_refused() {
    let project = TestProject::new();
    let zeros = vec![0u8; 5 << 20];
    let path = project.zip(&[("big", FILE, &zeros)]);
    let mut bytes = fs::read(&path).unwrap();
    // The size in the table of contents (and the local header), 24 and 22 bytes in, is what is claimed.
    let size = (5u32 << 20).to_le_bytes();
    let places: Vec<usize> = (0..bytes.len() - 4).filter(|at| bytes[*at..*at + 4] == size).collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at..at + 4].copy_from_slice(&1000u32.to_le_bytes());
    }
    fs::write(&path, bytes).unwrap();
    let error = project.apply_zip(&path).unwrap_err();
    assert!(matches!(error, ApplyError::Archive(ArchiveError::Bad(_))), "{error:?}");
}

#[test]
fn an_archive_with_too_many_entries_is_refused_before_it_is_listed() {
    let project = TestProject::new();
    let path = project.folder.path().join("many.zip");
    let mut zip = ZipWriter::new(std::io::BufWriter::new(fs::File::create(&path).unwrap()));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.start_file("request.json", options).unwrap();
    zip.write_all(br#"{"v":1}"#).unwrap();
    for number in 0..protocol::limits::MAX_ENTRIES {
        zip.start_file(format!("source/{number}"), options).unwrap();
    }
    zip.finish().unwrap().flush().unwrap();
    let error = project.apply_zip(&path).unwrap_err().to_string();
    assert!(error.contains("100001 files") && error.contains("100000"), "{error}");
}

#[test]
fn a_name_that_is_in_the_archive_twice_is_refused() {
    let project = TestProject::new();
    let path = project.zip(&[("aa", FILE, b"1"), ("ab", FILE, b"2")]);
    let mut bytes = fs::read(&path).unwrap();
    let name = b"source/ab";
    for at in 0..bytes.len() - name.len() {
        if &bytes[at..at + name.len()] == name {
            bytes[at + 8] = b'a';
        }
    }
    fs::write(&path, bytes).unwrap();
    let error = project.apply_zip(&path).unwrap_err().to_string();
    assert!(error.contains("twice"), "{error}");
}

#[test]
fn a_folder_that_replaces_a_link_gets_its_files() {
    let project = TestProject::new();
    project.apply(&[("real/a", FILE, b"1"), ("in", LINK, b"real")]).unwrap();
    project.apply(&[("in/a", FILE, b"1")]).unwrap();
    assert_eq!(project.text("in/a"), "1");
    assert!(!fs::symlink_metadata(project.path("in")).unwrap().is_symlink() && !project.path("real").exists());
}

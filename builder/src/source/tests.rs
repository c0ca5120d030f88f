use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use protocol::Owner;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

struct Bench {
    folder: tempfile::TempDir,
    project: Project,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::new(&folder.path().join("work"), &Owner::default(), &"k-1".parse().unwrap());
        project.prepare().unwrap();
        Self { folder, project }
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

    fn receive_zip(&self, path: &Path) -> Result<Changes, ReceiveError> {
        receive(&Archive::open(path)?, &self.project, &CancellationToken::new())
    }

    fn receive(&self, files: &[(&str, u32, &[u8])]) -> Result<Changes, ReceiveError> {
        self.receive_zip(&self.zip(files))
    }

    fn refusal(&self, files: &[(&str, u32, &[u8])]) -> String {
        let error = self.receive(files).unwrap_err();
        assert!(matches!(error, ReceiveError::Archive(ArchiveError::Bad(_))), "{error:?}");
        error.to_string()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.project.source.join(name)
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
fn only_what_changed_gets_a_new_time() {
    let bench = Bench::new();
    assert_eq!(bench.receive(&[("a", FILE, b"1"), ("d/b", FILE, b"2"), ("x", 0o100_755, b"3")]).unwrap().files, 3);
    let (a, b) = (bench.mtime("a"), bench.mtime("d/b"));
    assert_eq!(fs::metadata(bench.path("x")).unwrap().permissions().mode() & 0o777, 0o755);
    assert_eq!(bench.receive(&[("a", FILE, b"1"), ("d/b", FILE, b"two"), ("x", FILE, b"3")]).unwrap().files, 2);
    assert_eq!(bench.mtime("a"), a);
    assert!(bench.mtime("d/b") > b);
    assert_eq!(bench.text("d/b"), "two");
    assert!(bench.mtime("x") > a, "a build script may look at the mode");
    assert_eq!(fs::metadata(bench.path("x")).unwrap().permissions().mode() & 0o777, 0o644);
    // Gone from the upload, gone from the disk; what a build made stays.
    fs::write(bench.path("made"), "by a build").unwrap();
    assert_eq!(bench.receive(&[("a", FILE, b"1")]).unwrap().files, 2);
    assert!(!bench.path("d").exists() && bench.path("made").exists());
    fs::remove_file(bench.path("a")).unwrap();
    bench.receive(&[("a", FILE, b"1")]).unwrap();
    assert_eq!(bench.mtime("a"), a, "brought back with its time");
}

#[test]
fn a_change_that_was_cut_short_is_found_by_content() {
    let bench = Bench::new();
    bench.receive(&[("a", FILE, b"1"), ("b", FILE, b"1")]).unwrap();
    let before = bench.mtime("b");
    let manifest = fs::read(&bench.project.manifest).unwrap();
    bench.receive(&[("a", FILE, b"2"), ("b", FILE, b"1"), ("new", FILE, b"")]).unwrap();
    // As if the engine had died before the manifest became the new one.
    fs::rename(&bench.project.manifest, bench.project.manifest.with_extension("announced.json")).unwrap();
    fs::write(&bench.project.manifest, manifest).unwrap();
    let half = bench.mtime("a");
    bench.receive(&[("a", FILE, b"1"), ("b", FILE, b"1")]).unwrap();
    assert_eq!(bench.text("a"), "1");
    assert!(bench.mtime("a") > half, "the old content under the old time would never be built");
    assert_eq!(bench.mtime("b"), before);
    assert!(!bench.path("new").exists());
    assert!(!bench.project.manifest.with_extension("announced.json").exists());
}

#[test]
fn a_lost_manifest_means_a_new_source() {
    let bench = Bench::new();
    bench.receive(&[("src/bin/old.rs", FILE, b"1")]).unwrap();
    fs::write(&bench.project.manifest, "torn").unwrap();
    bench.receive(&[("src/bin/new.rs", FILE, b"1")]).unwrap();
    assert!(!bench.path("src/bin/old.rs").exists());
}

#[test]
fn what_someone_else_wrote_is_put_right() {
    let bench = Bench::new();
    bench.receive(&[("a", FILE, b"1")]).unwrap();
    std::thread::sleep(Duration::from_millis(5));
    fs::write(bench.path("a"), "evil").unwrap();
    bench.receive(&[("a", FILE, b"1")]).unwrap();
    assert_eq!(bench.text("a"), "1");
    // Unless a build of the project did.
    fs::write(bench.path("a"), "made").unwrap();
    Aftermath::record(&bench.project).unwrap();
    bench.receive(&[("a", FILE, b"1")]).unwrap();
    assert_eq!(bench.text("a"), "made");
}

#[test]
fn links_and_folders_a_build_put_in_the_way_are_not_followed() {
    let bench = Bench::new();
    let outside = bench.folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("f"), "mine").unwrap();
    symlink(&outside, bench.path("d")).unwrap();
    symlink(outside.join("f"), bench.path("g")).unwrap();
    fs::create_dir_all(bench.path("h/i")).unwrap();
    // Known files, so that the source isn't made anew.
    bench.receive(&[("a", FILE, b"")]).unwrap();
    symlink(&outside, bench.path("d")).unwrap();
    symlink(outside.join("f"), bench.path("g")).unwrap();
    fs::create_dir_all(bench.path("h/i")).unwrap();
    bench.receive(&[("a", FILE, b""), ("d/f", FILE, b"1"), ("g", FILE, b"2"), ("h", FILE, b"3")]).unwrap();
    assert_eq!(fs::read_to_string(outside.join("f")).unwrap(), "mine");
    assert_eq!((bench.text("d/f"), bench.text("g"), bench.text("h")), ("1".into(), "2".into(), "3".into()));
    fs::remove_dir_all(bench.path("d")).unwrap();
    symlink(&outside, bench.path("d")).unwrap();
    bench.receive(&[("a", FILE, b"")]).unwrap();
    assert!(outside.join("f").exists(), "deleted over a link");
}

#[test]
fn a_link_that_points_elsewhere_changes_what_is_behind_it() {
    let bench = Bench::new();
    bench.receive(&[("one", FILE, b"1"), ("two", FILE, b"2"), ("l", LINK, b"one")]).unwrap();
    let before = bench.mtime("two");
    assert_eq!(bench.receive(&[("one", FILE, b"1"), ("two", FILE, b"2"), ("l", LINK, b"two")]).unwrap().files, 1);
    assert_eq!(bench.text("l"), "2");
    assert!(bench.mtime("two") > before);
    assert_eq!(bench.receive(&[("one", FILE, b"1"), ("two", FILE, b"2"), ("l", LINK, b"two")]).unwrap().files, 0);
}

#[test]
fn hostile_archives_are_refused_and_change_nothing() {
    let bench = Bench::new();
    bench.receive(&[("a", FILE, b"good")]).unwrap();
    for (files, word) in [
        (&[("/etc/x", FILE, b"" as &[u8])][..], "absolute"),
        (&[("../x", FILE, b"")], "leads out"),
        (&[("l", LINK, b"/etc")], "link that leads out"),
        (&[("l", LINK, b"../..")], "link that leads out"),
        (&[("l", LINK, b"a"), ("l/x", FILE, b"")], "below something"),
        (&[("f", FILE, b""), ("f/x", FILE, b"")], "below something"),
        (&[("a", FILE, b"new"), ("a\\b", FILE, b"")], "backslash"),
    ] {
        let refusal = bench.refusal(files);
        assert!(refusal.contains(word), "{refusal}");
    }
    assert_eq!(bench.text("a"), "good");
    assert!(!bench.folder.path().join("x").exists());
}

#[test]
fn damaged_archives_are_refused_and_change_nothing() {
    let bench = Bench::new();
    bench.receive(&[("a", FILE, b"good"), ("b", FILE, b"good")]).unwrap();
    let content: Vec<u8> = (0..200_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let path = bench.zip(&[("a", FILE, b"new"), ("b", FILE, &content)]);
    let whole = fs::read(&path).unwrap();
    for cut in [0, 10, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..cut]).unwrap();
        let error = bench.receive_zip(&path).unwrap_err();
        assert!(matches!(error, ReceiveError::Archive(ArchiveError::Bad(_))), "cut at {cut}: {error:?}");
    }
    for at in [whole.len() / 2, whole.len() / 3] {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x55;
        fs::write(&path, &flipped).unwrap();
        let error = bench.receive_zip(&path).unwrap_err();
        assert!(matches!(error, ReceiveError::Archive(ArchiveError::Bad(_))), "flipped at {at}: {error:?}");
    }
    assert_eq!((bench.text("a").as_str(), bench.text("b").as_str()), ("good", "good"));
    assert!(!bench.project.staging.exists());
}

#[test]
fn an_archive_that_unpacks_to_more_than_it_says_is_a_bomb() {
    let bench = Bench::new();
    let zeros = vec![0u8; 5 << 20];
    let path = bench.zip(&[("big", FILE, &zeros)]);
    let mut bytes = fs::read(&path).unwrap();
    // The size in the table of contents (and the local header), 24 and 22 bytes in, is what is claimed.
    let size = (5u32 << 20).to_le_bytes();
    let places: Vec<usize> = (0..bytes.len() - 4).filter(|at| bytes[*at..*at + 4] == size).collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at..at + 4].copy_from_slice(&1000u32.to_le_bytes());
    }
    fs::write(&path, bytes).unwrap();
    let error = bench.receive_zip(&path).unwrap_err();
    assert!(matches!(error, ReceiveError::Archive(ArchiveError::Bad(_))), "{error:?}");
}

#[test]
fn an_archive_with_too_many_entries_is_refused_before_it_is_listed() {
    let bench = Bench::new();
    let path = bench.folder.path().join("many.zip");
    let mut zip = ZipWriter::new(std::io::BufWriter::new(fs::File::create(&path).unwrap()));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.start_file("request.json", options).unwrap();
    zip.write_all(br#"{"v":1}"#).unwrap();
    for number in 0..protocol::limits::MAX_ENTRIES {
        zip.start_file(format!("source/{number}"), options).unwrap();
    }
    zip.finish().unwrap().flush().unwrap();
    let error = bench.receive_zip(&path).unwrap_err().to_string();
    assert!(error.contains("100001 files") && error.contains("100000"), "{error}");
}

#[test]
fn a_name_that_is_there_twice_is_refused() {
    let bench = Bench::new();
    let path = bench.zip(&[("aa", FILE, b"1"), ("ab", FILE, b"2")]);
    let mut bytes = fs::read(&path).unwrap();
    let name = b"source/ab";
    for at in 0..bytes.len() - name.len() {
        if &bytes[at..at + name.len()] == name {
            bytes[at + 8] = b'a';
        }
    }
    fs::write(&path, bytes).unwrap();
    let error = bench.receive_zip(&path).unwrap_err().to_string();
    assert!(error.contains("twice"), "{error}");
}

#[test]
fn a_folder_that_takes_a_links_place_gets_its_files() {
    let bench = Bench::new();
    bench.receive(&[("real/a", FILE, b"1"), ("in", LINK, b"real")]).unwrap();
    bench.receive(&[("in/a", FILE, b"1")]).unwrap();
    assert_eq!(bench.text("in/a"), "1");
    assert!(!fs::symlink_metadata(bench.path("in")).unwrap().is_symlink() && !bench.path("real").exists());
}

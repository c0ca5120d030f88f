use std::os::unix::fs::MetadataExt;

use super::super::{pack, walk::walk};
use super::*;

fn write(path: PathBuf, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Makes an archive in the project's format, with any content.
fn archive(bytes: u64, fill: impl FnOnce(&mut tar::Builder<Vec<u8>>)) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let head = serde_json::to_vec(&Head { v: VERSION, bytes }).unwrap();
    append(&mut tar, EntryType::Regular, HEAD, &head);
    fill(&mut tar);
    zstd::encode_all(tar.into_inner().unwrap().as_slice(), 1).unwrap()
}

fn append(tar: &mut tar::Builder<Vec<u8>>, kind: EntryType, path: &str, content: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_mtime(1);
    header.set_size(content.len() as u64);
    // The library refuses such paths, so a hostile archive has to be made without its check.
    header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
    header.set_cksum();
    tar.append(&header, content).unwrap();
}

fn link(tar: &mut tar::Builder<Vec<u8>>, kind: EntryType, path: &str, target: &str) {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(0o777);
    header.set_mtime(1);
    header.set_size(0);
    header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
    header.as_gnu_mut().unwrap().linkname[..target.len()].copy_from_slice(target.as_bytes());
    header.set_cksum();
    tar.append(&header, io::empty()).unwrap();
}

#[test]
fn a_packed_project_unpacks_unchanged() {
    let work = tempfile::tempdir().unwrap();
    let (from, home) = (work.path().join("from"), work.path().join(CARGO_HOME));
    let long = format!("target/debug/{}/{}", "x".repeat(120), "y".repeat(120));
    write(from.join(&long), "long");
    write(from.join("target/debug/deps/tool-0f"), "tool");
    fs::set_permissions(from.join("target/debug/deps/tool-0f"), Permissions::from_mode(0o755)).unwrap();
    fs::hard_link(from.join("target/debug/deps/tool-0f"), from.join("target/debug/tool")).unwrap();
    write(from.join("source/src/main.rs"), "fn main() {}");
    symlink("/etc/passwd", from.join("target/out")).unwrap();
    symlink("nowhere", from.join("source/dangling")).unwrap();
    fs::create_dir_all(from.join("source/empty")).unwrap();
    write(from.join("manifest.json"), "{}");
    write(from.join("artifact.zip"), "stays");
    nix::unistd::mkfifo(&from.join("target/pipe"), nix::sys::stat::Mode::S_IRUSR).unwrap();
    let exact = UNIX_EPOCH + Duration::new(1_700_000_000, 123_456_789);
    File::options().write(true).open(from.join("source/src/main.rs")).unwrap().set_modified(exact).unwrap();
    File::open(from.join("source/src")).unwrap().set_modified(exact).unwrap();

    let before = walk(&from).unwrap();
    let mut packed = Vec::new();
    let bytes = pack::pack(&from, &before, &home, &mut packed).unwrap();
    assert_eq!(bytes, packed.len() as u64);
    let unpacked = unpack(packed.as_slice(), work.path(), &from).unwrap();
    let to = unpacked.folder.path().join(PROJECT);
    let after = walk(&to).unwrap();
    // Every path, size, permission and time is the same, to the nanosecond.
    assert_eq!(after.items, before.items);
    assert_eq!(after.digest, before.digest);
    assert_eq!(fs::read_to_string(to.join(long)).unwrap(), "long");
    assert_eq!(to.join("target/debug/tool").metadata().unwrap().nlink(), 2);
    assert_eq!(to.join("source/src").metadata().unwrap().modified().unwrap(), exact);
    assert!(!to.join("artifact.zip").exists() && !to.join("target/pipe").exists());
}

#[test]
fn hostile_archives_are_refused_and_leave_nothing() {
    type Fill = fn(&mut tar::Builder<Vec<u8>>);
    let cases: [(&str, Fill); 9] = [
        ("above", |tar| append(tar, EntryType::Regular, "target/../../../x", b"1")),
        ("absolute", |tar| append(tar, EntryType::Regular, "/target/x", b"1")),
        ("foreign", |tar| append(tar, EntryType::Regular, "home/.profile", b"1")),
        ("a second name of something outside", |tar| link(tar, EntryType::Link, "target/x", "../../../secret")),
        ("a second name of a file by its whole path", |tar| link(tar, EntryType::Link, "target/x", "/etc/passwd")),
        ("a link in the place of a folder", |tar| {
            append(tar, EntryType::Regular, "target/d/x", b"1");
            link(tar, EntryType::Symlink, "target/d", "/etc");
        }),
        ("a device", |tar| link(tar, EntryType::Char, "target/null", "")),
        ("twice the same", |tar| {
            append(tar, EntryType::Regular, "target/x", b"1");
            append(tar, EntryType::Regular, "target/x", b"2");
        }),
        ("more than it says", |tar| append(tar, EntryType::Regular, "target/x", &[0; 9])),
    ];
    for (what, fill) in cases {
        let work = tempfile::tempdir().unwrap();
        write(work.path().join("secret"), "s");
        let packed = archive(8, fill);
        assert!(unpack(packed.as_slice(), work.path(), Path::new("p")).is_err(), "{what}");
        let left: Vec<_> = fs::read_dir(work.path().join(RESTORING)).unwrap().collect();
        assert!(left.is_empty(), "{what}: {left:?}");
    }
}

#[test]
fn nothing_is_written_through_a_link() {
    let work = tempfile::tempdir().unwrap();
    let outside = work.path().join("outside");
    fs::create_dir(&outside).unwrap();
    let target = outside.to_str().unwrap().to_owned();
    // The link comes first, and then an entry that would be written through it.
    let packed = archive(8, |tar| {
        link(tar, EntryType::Symlink, "target/a", &target);
        append(tar, EntryType::Regular, "target/a/x", b"1");
    });
    assert!(unpack(packed.as_slice(), work.path(), Path::new("p")).is_err());
    let packed = archive(8, |tar| {
        link(tar, EntryType::Symlink, "target/a", &target);
        link(tar, EntryType::Symlink, "target/a/b", "x");
    });
    assert!(unpack(packed.as_slice(), work.path(), Path::new("p")).is_err());
    assert_eq!(fs::read_dir(outside).unwrap().count(), 0);
}

#[test]
fn a_truncated_or_foreign_archive_is_refused() {
    let packed = archive(4096, |tar| append(tar, EntryType::Regular, "target/x", &[7; 4096]));
    for end in [0, 5, packed.len() / 2, packed.len() - 1] {
        let work = tempfile::tempdir().unwrap();
        assert!(unpack(&packed[..end], work.path(), Path::new("p")).is_err(), "{end}");
    }
    let work = tempfile::tempdir().unwrap();
    let other = zstd::encode_all(&b"something else"[..], 1).unwrap();
    assert!(unpack(other.as_slice(), work.path(), Path::new("p")).is_err());
}

//! Tests a full disk. This needs the right to mount a file system; without it, the test prints that it was skipped.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may fail")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use protocol::{EventKind, Outcome};
use support::{BackendProcess, METADATA, new_id};

const MIB: usize = 1024 * 1024;

struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path) -> Option<Self> {
        std::fs::create_dir(at).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"]).arg(at).output();
        mounted.is_ok_and(|done| done.status.success()).then(|| Self(at.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_is_reported_and_leaves_no_partial_files() {
    let folder = tempfile::tempdir().unwrap();
    let Some(_disk) = SmallDisk::mount(&folder.path().join("data")) else {
        println!("skipped: no right to mount a small file system");
        return;
    };
    let backend = BackendProcess::start_in(folder.path(), &[]);
    let client = backend.client("me");
    let id = new_id();
    let full = client.put_source(&id, &METADATA, &vec![7; 6 * MIB]);
    assert_eq!((full.status, full.code().as_str()), (507, "StorageFull"), "{}", full.text());
    assert!(full.text().contains("free some space"), "{}", full.text());
    assert_eq!(client.send("HEAD", &client.source(&id), &[], b"").status, 404);
    assert_eq!(std::fs::read_dir(folder.path().join("data/staging")).unwrap().count(), 0);

    // The id is still free, and a small source still fits.
    assert_eq!(client.put_source(&id, &METADATA, b"no archive").status, 200);
    assert_eq!(client.result(&id).outcome, Outcome::Refused);

    // Fills the disk completely, so that the build can't even be recorded.
    let filler = folder.path().join("data/filler");
    let _ = std::fs::write(&filler, vec![0; 8 * MIB]);
    let id = new_id();
    // A follower keeps the build open while the upload fails.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut follower = runtime.block_on(client.follow(&id)).unwrap();
    runtime.block_on(follower.resume(0));
    let full = client.put_source(&id, &METADATA, b"no archive");
    assert_eq!(full.status, 507, "{}", full.text());
    std::fs::remove_file(filler).unwrap();
    assert_eq!(client.send("HEAD", &client.source(&id), &[], b"").status, 404);
    assert_eq!(client.put_source(&id, &METADATA, b"no archive").status, 200);
    let told = runtime.block_on(follower.until(|kind| matches!(kind, EventKind::Finished(_))));
    assert_eq!(told.iter().filter(|event| event.seq.is_some()).map(|e| e.seq).next(), Some(Some(1)));
    let result = client.result(&id);
    assert_eq!(result.outcome, Outcome::Refused);
    let log = std::fs::read_to_string(folder.path().join(format!("data/builds/me/{id}/events.jsonl"))).unwrap();
    assert_eq!(log.lines().count() as u64, result.last);
}

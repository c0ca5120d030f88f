//! Old sources and outputs are removed, newer ones stay.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may fail")]

mod support;

use std::fs::File;
use std::time::{Duration, Instant, SystemTime};

use protocol::BuildId;
use support::{BackendProcess, METADATA, PATIENCE, TestClient, new_id};

const DAY: Duration = Duration::from_secs(24 * 3600);

fn status(client: &TestClient, path: &str) -> u16 {
    client.send("HEAD", path, &[], b"").status
}

#[test]
fn sources_are_removed_after_a_day_and_outputs_after_a_week() {
    let folder = tempfile::tempdir().unwrap();
    let backend = BackendProcess::start_in(folder.path(), &[]);
    let client = backend.client("me");
    let builds: Vec<(BuildId, u32)> = [0, 2, 8].map(|days| (new_id(), days)).into();
    for (id, _) in &builds {
        assert_eq!(client.put_source(id, &METADATA, b"no archive").status, 200);
        client.result(id);
    }
    assert_eq!(backend.stop(), Some(0));
    for (id, days) in &builds {
        let result = folder.path().join("data/objects").join(client.output(id, "result.json"));
        File::open(result).unwrap().set_modified(SystemTime::now() - DAY * *days).unwrap();
    }

    let backend = BackendProcess::start_in(folder.path(), &[]);
    let client = backend.client("me");
    let kept = || -> Vec<(u16, u16)> {
        let of = |(id, _): &(BuildId, u32)| {
            (status(&client, &client.source(id)), status(&client, &client.output(id, "result.json")))
        };
        builds.iter().map(of).collect()
    };
    let forgotten = folder.path().join(format!("data/builds/me/{}", builds[2].0));
    let begun = Instant::now();
    while kept() != [(200, 200), (404, 200), (404, 404)] || forgotten.exists() {
        assert!(begun.elapsed() < PATIENCE, "{:?}", kept());
        std::thread::sleep(Duration::from_millis(20));
    }
}

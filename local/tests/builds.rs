//! Builds, from the source to the result, with the real engine.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may fail")]

mod support;

use std::io::{Cursor, Write};
use std::time::Duration;

use protocol::limits::PROTOCOL_VERSION;
use protocol::{BuildId, Event, EventKind, Frame, Outcome, Status};
use support::{BackendProcess, METADATA, TestClient, new_id};
use zip::write::SimpleFileOptions;

/// The source archive of a program `hello` whose build script sleeps for `seconds`.
fn archive(seconds: u32) -> Vec<u8> {
    let request = format!(r#"{{"v":{PROTOCOL_VERSION},"options":{{}},"details":{{"root":"","directory":""}}}}"#);
    let script = format!("fn main() {{ std::thread::sleep(std::time::Duration::from_secs({seconds})); }}\n");
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in [
        ("request.json", request.as_str()),
        ("source/Cargo.toml", "[package]\nname = \"hello\"\nversion = \"0.1.0\"\nedition = \"2024\"\n"),
        ("source/build.rs", &script),
        ("source/src/main.rs", "fn main() { println!(\"hello\"); }\n"),
    ] {
        let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        zip.start_file(name, options).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Uploads a source for the project key `project` and returns the build's id.
fn begin(client: &TestClient, project: &str, seconds: u32) -> BuildId {
    let id = new_id();
    let mut metadata = METADATA.to_vec();
    metadata.retain(|(name, _)| *name != "x-amz-meta-project");
    metadata.push(("x-amz-meta-project", project));
    let put = client.put_source(&id, &metadata, &archive(seconds));
    assert_eq!(put.status, 200, "{}", put.text());
    id
}

async fn until(client: &TestClient, id: &BuildId, last: impl Fn(&EventKind) -> bool) -> Vec<Event> {
    let mut follower = client.follow(id).await.unwrap();
    follower.resume(0).await;
    follower.until(last).await
}

fn is_compiling(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Status(Status::Compiling { .. }))
}

fn is_finished(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Finished(_))
}

fn numbers(events: &[Event]) -> Vec<u64> {
    events.iter().filter_map(Event::span).flat_map(|(from, to)| from..=to).collect()
}

#[tokio::test]
async fn a_build_returns_the_program_and_all_events() {
    let backend = BackendProcess::start(&[]);
    let client = backend.client("me");
    let id = begin(&client, "plain-00", 0);
    let live = until(&client, &id, is_finished).await;
    let result = client.result(&id);
    assert_eq!(result.outcome, Outcome::Succeeded, "{result:?}");
    assert_eq!((result.attempts, result.complete, result.exit_code), (1, true, Some(0)));
    assert_eq!(numbers(&live), (1..=result.last).collect::<Vec<_>>());
    let stored = until(&client, &id, |kind| matches!(kind, EventKind::CaughtUp { .. })).await;
    let numbered = |events: Vec<Event>| events.into_iter().filter(|e| e.seq.is_some()).collect::<Vec<_>>();
    assert_eq!(numbered(stored), numbered(live.clone()));

    let log = client.send("GET", &client.output(&id, "1/log.jsonl"), &[], b"").text();
    let logged: Vec<Event> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(logged.last().unwrap().span().unwrap().1, result.last);
    let artifact = client.send("GET", &client.output(&id, "artifact.zip"), &[], b"");
    assert_eq!(artifact.body.len() as u64, result.artifact.unwrap().size);
    let mut zip = zip::ZipArchive::new(Cursor::new(artifact.body)).unwrap();
    assert_eq!(zip.by_index(0).unwrap().name().unwrap(), "artifact.json");
    assert!(Frame::new(live).encode().contains("Compiling hello"));
    assert_eq!(std::fs::read_dir(backend.folder.join("data/attempts/me")).unwrap().count(), 0);
}

#[tokio::test]
async fn queue_positions_are_announced_and_a_deleted_source_leaves_the_queue() {
    let backend = BackendProcess::start(&["--jobs", "1"]);
    let client = backend.client("me");
    let first = begin(&client, "first-00", 600);
    until(&client, &first, is_compiling).await;
    let second = begin(&client, "second-00", 0);
    let third = begin(&client, "third-00", 0);
    let at = |place: u64| move |kind: &EventKind| *kind == EventKind::Status(Status::Queued { place });
    until(&client, &second, at(1)).await;
    let mut follower = client.follow(&third).await.unwrap();
    follower.resume(0).await;
    follower.until(at(2)).await;

    assert_eq!(client.send("DELETE", &client.source(&second), &[], b"").status, 204);
    assert_eq!(client.result(&second).outcome, Outcome::Cancelled);
    follower.until(at(1)).await;
    assert_eq!(client.send("DELETE", &client.source(&first), &[], b"").status, 204);
    follower.until(is_finished).await;
    let result = client.result(&first);
    assert_eq!(result.outcome, Outcome::Cancelled);
    assert!(result.message.unwrap().contains("deleted"));
    let result = client.result(&third);
    assert_eq!(result.outcome, Outcome::Succeeded);
    assert!(result.times.waiting > 0);
}

#[tokio::test]
async fn a_restart_after_a_kill_ends_running_builds_and_continues_waiting_ones() {
    let folder = tempfile::tempdir().unwrap();
    let backend = BackendProcess::start_in(folder.path(), &["--jobs", "1"]);
    let client = backend.client("me");
    let running = begin(&client, "running-00", 600);
    let seen = until(&client, &running, is_compiling).await;
    let waiting = begin(&client, "waiting-00", 0);
    let deleted = begin(&client, "deleted-00", 0);
    backend.kill();
    std::fs::remove_file(folder.path().join(format!("data/objects/{}", client.source(&deleted)))).unwrap();
    // Looks as if the backend had died after it stored a source and before it recorded the build.
    let unnoted = new_id();
    let objects = folder.path().join("data/objects");
    for end in ["", ".meta"] {
        let from = format!("{}{end}", client.source(&waiting));
        std::fs::copy(objects.join(from), objects.join(format!("{}{end}", client.source(&unnoted)))).unwrap();
    }

    let backend = BackendProcess::start_in(folder.path(), &["--jobs", "1"]);
    let client = backend.client("me");
    let result = client.result(&running);
    assert_eq!((result.outcome, result.complete), (Outcome::Crashed, false));
    assert!(result.message.as_ref().unwrap().contains("attempt 1"), "{result:?}");
    let told = until(&client, &running, is_finished).await;
    let numbered: Vec<&Event> = seen.iter().filter(|event| event.seq.is_some()).collect();
    assert!(numbered.len() > 2);
    assert_eq!(told.iter().take(numbered.len()).collect::<Vec<_>>(), numbered);
    assert_eq!(numbers(&told), (1..=result.last).collect::<Vec<_>>());
    for id in [&waiting, &unnoted] {
        let told = until(&client, id, is_finished).await;
        let result = client.result(id);
        assert_eq!(result.outcome, Outcome::Succeeded, "{result:?}");
        assert_eq!(numbers(&told), (1..=result.last).collect::<Vec<_>>());
    }
    assert_eq!(client.result(&deleted).outcome, Outcome::Cancelled);
}

#[tokio::test]
async fn a_stopped_backend_cancels_running_builds_and_keeps_waiting_ones() {
    let folder = tempfile::tempdir().unwrap();
    let backend = BackendProcess::start_in(folder.path(), &["--jobs", "1"]);
    let client = backend.client("me");
    let running = begin(&client, "running-00", 600);
    let waiting = begin(&client, "waiting-00", 0);
    let mut follower = client.follow(&running).await.unwrap();
    follower.resume(0).await;
    follower.until(is_compiling).await;
    let stopped = tokio::task::spawn_blocking(|| {
        let begun = std::time::Instant::now();
        (backend.stop(), begun.elapsed())
    });
    let last = follower.until(is_finished).await.pop().unwrap();
    let EventKind::Finished(result) = last.kind else { panic!("{last:?}") };
    assert_eq!(result.outcome, Outcome::Cancelled);
    assert!(result.message.unwrap().contains("backend was stopped"));
    let (code, took) = stopped.await.unwrap();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(8), "{took:?}");

    let backend = BackendProcess::start_in(folder.path(), &[]);
    assert_eq!(backend.client("me").result(&waiting).outcome, Outcome::Succeeded);
}

#[tokio::test]
async fn attempts_continue_until_one_makes_no_progress() {
    let backend = BackendProcess::start(&["--attempt-limit", "4s"]);
    let client = backend.client("me");
    let id = begin(&client, "stuck-00", 600);
    let told = until(&client, &id, is_finished).await;
    let result = client.result(&id);
    assert_eq!(result.outcome, Outcome::TimedOut, "{result:?}");
    assert!(result.message.as_ref().unwrap().contains("hello"), "{result:?}");
    assert_eq!(numbers(&told), (1..=result.last).collect::<Vec<_>>());
    for attempt in 1..=result.attempts {
        let log = client.send("GET", &client.output(&id, &format!("{attempt}/log.jsonl")), &[], b"");
        assert_eq!(log.status, 200);
    }
}

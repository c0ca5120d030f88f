//! Archives and requests that no client sends.

use conformance::{RawArchive, RawClient, ScenarioBackend};
use protocol::Outcome;

/// How many damaged archives to try; each is a build.
const FLIPS: usize = 15;

/// Uploads an archive and returns the outcome and the message of its build.
fn ending(raw: &RawClient, archive: Vec<u8>) -> (Outcome, String) {
    let id = RawClient::new_id();
    let reply = raw.upload(&id, archive, &RawClient::metadata());
    assert_eq!(reply.status, 200, "{}", reply.text());
    let result = raw.result(&id);
    (result.outcome, result.message.unwrap_or_default())
}

#[test]
fn archives_that_reach_outside_are_refused() {
    let backend = ScenarioBackend::start();
    let raw = RawClient::new(backend.credentials("me"));
    let outside = backend.folder().join("escaped");
    let absolute = outside.to_string_lossy().into_owned();
    let placeholder = "source/".to_owned() + &"x".repeat(absolute.len() - 7);
    let hostile = [
        ("absolute", RawArchive::program().entry(&placeholder, "x").renamed(&placeholder, &absolute)),
        (
            "parent",
            RawArchive::program()
                .entry("source/xx/xx/xx/xx/xx/escaped", "x")
                .renamed("source/xx/xx/xx/xx/xx/escaped", "source/../../../../../escaped"),
        ),
        (
            "backslash",
            RawArchive::program()
                .entry("source/xx-xx-escaped", "x")
                .renamed("source/xx-xx-escaped", "source/..\\..\\escaped"),
        ),
        ("link out", RawArchive::program().link("source/out", "../../../..").bytes()),
        ("absolute link", RawArchive::program().link("source/out", "/tmp").bytes()),
        (
            "through a link",
            RawArchive::program().link("source/out", "../../../..").entry("source/out/escaped", "x").bytes(),
        ),
        (
            "duplicate",
            RawArchive::program().entry("source/src/main_rs", "x").renamed("source/src/main_rs", "source/src/main.rs"),
        ),
        ("a file as folder", RawArchive::program().entry("source/src/main.rs/x", "x").bytes()),
        ("NUL", RawArchive::program().entry("source/src/a-b", "x").renamed("source/src/a-b", "source/src/a\0b")),
        ("outside the source", RawArchive::program().entry("elsewhere/x", "x").bytes()),
    ];
    for (what, archive) in hostile {
        let (outcome, message) = ending(&raw, archive);
        assert_eq!(outcome, Outcome::Refused, "{what}: {message}");
        assert!(message.contains("archive"), "{what}: {message}");
        assert!(!outside.exists(), "{what}");
    }
    assert_eq!(ending(&raw, RawArchive::program().bytes()).0, Outcome::Succeeded);
}

#[test]
fn broken_archives_are_refused() {
    let backend = ScenarioBackend::start();
    let raw = RawClient::new(backend.credentials("me"));
    let good = RawArchive::program().bytes();
    let mut flipped = good.clone();
    let at = good.windows(7).position(|w| w == b"src/mai").unwrap() + 16;
    flipped[at] ^= 0xff;
    for (what, archive) in [
        ("nothing", vec![]),
        ("no archive", b"this is no archive".to_vec()),
        ("truncated", good[..good.len() / 2].to_vec()),
        ("a flipped bit", flipped),
        ("no request", {
            let mut archive = good.clone();
            let text = String::from_utf8_lossy(&good).into_owned();
            assert!(text.contains("request.json"));
            for at in 0..archive.len() - 12 {
                if &archive[at..at + 12] == b"request.json" {
                    archive[at..at + 12].copy_from_slice(b"source/jason");
                }
            }
            archive
        }),
        ("a request that is none", RawArchive::new().renamed("request.json", "source/a.txt")),
    ] {
        let (outcome, message) = ending(&raw, archive);
        assert_eq!(outcome, Outcome::Refused, "{what}: {message}");
        assert!(message.contains("archive") || message.contains("request.json"), "{what}: {message}");
    }
}

#[test]
fn archive_bombs_are_refused_before_they_fill_the_disk() {
    let backend = ScenarioBackend::start();
    let raw = RawClient::new(backend.credentials("me"));
    // 4 MB that become 4 GiB.
    let bytes = RawArchive::program().zeros("source/bomb", 4 << 30).bytes();
    assert!(bytes.len() < 32 << 20);
    let (outcome, message) = ending(&raw, bytes);
    assert_eq!(outcome, Outcome::Refused, "{message}");
    assert!(message.contains("MiB") || message.contains("GiB"), "{message}");
    let mut crowd = RawArchive::program();
    for n in 0..200_000 {
        crowd = crowd.entry(&format!("source/{n}"), "");
    }
    let (outcome, message) = ending(&raw, crowd.bytes());
    assert_eq!(outcome, Outcome::Refused, "{message}");
    assert!(message.contains("100000") || message.contains("100,000"), "{message}");
}

#[test]
fn invalid_metadata_is_refused() {
    let backend = ScenarioBackend::start();
    let raw = RawClient::new(backend.credentials("me"));
    let with = |name: &'static str, value: &'static str| {
        let mut metadata: Vec<_> = RawClient::metadata().into_iter().filter(|(n, _)| *n != name).collect();
        if !value.is_empty() {
            metadata.push((name, value));
        }
        metadata
    };
    for (metadata, expected) in [
        (vec![], "metadata"),
        (with("project", ""), "project"),
        (with("project", "../../etc"), "project key"),
        (with("protocol", "9999"), "update the backend"),
        (with("protocol", "one"), "protocol"),
        (with("command", "explode"), "explode"),
        (with("target", "../../x"), "target"),
        // The form in which S3 stores a value that is not ASCII.
        (with("target", "=?UTF-8?Q?=C3=BC?="), "target"),
    ] {
        let id = RawClient::new_id();
        let reply = raw.upload(&id, RawArchive::program().bytes(), &metadata);
        assert_eq!(reply.status, 200, "{}", reply.text());
        let result = raw.result(&id);
        let message = result.message.unwrap_or_default();
        assert_eq!(result.outcome, Outcome::Refused, "{metadata:?}: {message}");
        assert!(message.contains(expected), "{metadata:?}: {message}");
    }
}

#[test]
fn objects_are_written_once_and_only_under_keys_of_builds() {
    let backend = ScenarioBackend::start();
    let raw = RawClient::new(backend.credentials("me"));
    let id = RawClient::new_id();
    assert_eq!(raw.upload(&id, RawArchive::program().bytes(), &RawClient::metadata()).status, 200);
    let again = raw.upload(&id, RawArchive::new().bytes(), &RawClient::metadata());
    assert_eq!(again.status, 412, "{}", again.text());
    assert_eq!(raw.result(&id).outcome, Outcome::Succeeded, "the first upload was built");
    let headers = [("if-none-match", "*")];
    for key in ["me/no-id.zip", "me/0192aaaa-0000-4000-8000-000000000000.zip", "me/x/y.zip", "plain.zip"] {
        let reply = raw.input("PUT", key, &headers, RawArchive::program().bytes(), true);
        assert!(matches!(reply.status, 400 | 403), "{key}: {}", reply.status);
    }
    // Otherwise a source could change while a build reads it.
    let unconditional =
        raw.input("PUT", &format!("me/{}.zip", RawClient::new_id()), &[], RawArchive::program().bytes(), true);
    assert!(matches!(unconditional.status, 400 | 403), "{}", unconditional.status);
}

#[test]
fn flipped_bits_are_detected_or_harmless() {
    let backend = ScenarioBackend::start();
    let raw = RawClient::new(backend.credentials("me"));
    let whole = RawArchive::program().entry("source/data.txt", "x".repeat(500)).bytes();
    for step in 0..FLIPS {
        let mut archive = whole.clone();
        let at = (step * 7919 + 13) % archive.len();
        archive[at] ^= 1 << (step % 8);
        let (outcome, message) = ending(&raw, archive);
        let fine = matches!(outcome, Outcome::Succeeded | Outcome::Failed | Outcome::Refused);
        assert!(fine, "byte {at}: {outcome:?} {message}");
    }
}

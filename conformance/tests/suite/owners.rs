//! Keys and owners: who may do what.

use std::path::{Path, PathBuf};
use std::process::Command;

use conformance::{RawArchive, RawClient, ScenarioBackend, ScenarioClient, ScenarioProject};
use protocol::Outcome;

#[test]
fn wrong_keys_are_refused_with_a_hint() {
    let backend = ScenarioBackend::start();
    let secret = std::fs::read_to_string(backend.config("me")).unwrap();
    let secret = secret.lines().find(|line| line.starts_with("secret_access_key")).unwrap().to_owned();
    let config = backend.config_with("wrong", &[(&secret, "secret_access_key = \"wrong\"")]);
    let run = ScenarioClient::configured(config).run(ScenarioProject::hello("x", "x").root(), &["build"]);
    assert_eq!(run.code, Some(101));
    run.says(&["key"]).never_says("wrong\"");
    let raw = RawClient::new(backend.credentials("me").with_secret("wrong"));
    assert_eq!(raw.upload(&RawClient::new_id(), RawArchive::program().bytes(), &RawClient::metadata()).status, 403);
    assert_eq!(raw.socket("me", RawClient::new_id().as_str()).err(), Some(403));
}

#[test]
fn owners_cannot_see_the_builds_of_other_owners() {
    let backend = ScenarioBackend::start();
    let (me, other) = (RawClient::new(backend.credentials("me")), RawClient::new(backend.credentials("other")));
    let id = RawClient::new_id();
    assert_eq!(me.upload(&id, RawArchive::program().bytes(), &RawClient::metadata()).status, 200);
    assert_eq!(me.result(&id).outcome, Outcome::Succeeded);
    for end in ["result.json", "artifact.zip", "1/log.jsonl"] {
        assert_eq!(me.output(&format!("me/{id}/{end}")).status, 200, "{end}");
        assert_eq!(other.output(&format!("me/{id}/{end}")).status, 403, "{end}");
    }
    assert_eq!(other.output(&format!("other/{id}/result.json")).status, 404);
    assert_eq!(other.input("DELETE", &format!("me/{id}.zip"), &[], vec![], true).status, 403);
    assert_eq!(other.input("PUT", &format!("me/{}.zip", RawClient::new_id()), &[], vec![1], true).status, 403);
    assert_eq!(other.socket("me", id.as_str()).err(), Some(403));
    // An unsigned request sees even less.
    assert_eq!(me.input("PUT", &format!("me/{}.zip", RawClient::new_id()), &[], vec![1], false).status, 403);
    assert_eq!(me.input("GET", &format!("me/{id}.zip"), &[], vec![], false).status, 403);
}

#[test]
fn a_clock_that_is_off_by_an_hour_is_corrected() {
    let backend = ScenarioBackend::start();
    let shim = skewed_clock(backend.folder());
    for skew in ["3600", "-3600"] {
        let client = ScenarioClient::of(&backend).env("LD_PRELOAD", shim.to_string_lossy()).env("SKEW", skew);
        client.run(ScenarioProject::hello("punctual", skew).root(), &["build"]).succeeded();
        assert_eq!(client.output_of("punctual"), format!("{skew}\n"));
    }
}

/// A library that moves the wall clock of the process it is loaded into by `SKEW` seconds.
fn skewed_clock(folder: &Path) -> PathBuf {
    let library = folder.join("clock.so");
    let status = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/clock.c"))
        .status()
        .expect("a C compiler");
    assert!(status.success());
    library
}

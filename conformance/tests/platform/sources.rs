//! Sources that are replaced, deleted or invalid.

use std::time::Duration;

use conformance::{Control, RawArchive, RawClient, ScenarioBackend, until};
use protocol::{Outcome, messages};
use serde_json::{Value, json};

use crate::usage;

#[test]
fn replacing_a_source_ends_its_build() {
    let backend = ScenarioBackend::start();
    let raw = RawClient::new(backend.credentials("me"));
    let id = RawClient::new_id();
    let slow = RawArchive::program()
        .entry("source/build.rs", "fn main() { std::thread::sleep(std::time::Duration::from_secs(60)); }\n");
    assert_eq!(raw.upload(&id, slow.bytes(), &RawClient::metadata()).status, 200);
    let control = backend.control();
    let is_claimed = || control.objects("output").iter().any(|key| key.ends_with("/claim"));
    until(|| "no attempt has started".to_owned(), is_claimed);
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(raw.input("DELETE", &format!("me/{id}.zip"), &[], vec![], true).status, 204);
    assert_eq!(raw.upload(&id, RawArchive::program().bytes(), &RawClient::metadata()).status, 200);
    let result = raw.result(&id);
    assert_eq!(result.outcome, Outcome::Cancelled, "{result:?}");
    usage::assert_settled(&control);
}

/// How often an action was called on resources whose ARN ends with this text.
fn called(control: &Control, action: &str, end: &str) -> usize {
    let calls = control.get("calls");
    let is = |call: &&Value| {
        call["action"] == action && call["resource"].as_str().is_some_and(|resource| resource.ends_with(end))
    };
    calls.as_array().expect("calls").iter().filter(is).count()
}

#[test]
fn a_build_whose_source_is_deleted_during_the_download_is_cancelled() {
    // Larger than one range (8 MiB), and incompressible.
    let mut state = 1_u32;
    let noise: Vec<u8> = (0..18 << 20)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    let large = RawArchive::program().entry("source/noise", noise).bytes();
    for (replaced, why) in [(false, messages::SOURCE_DELETED), (true, messages::SOURCE_REPLACED)] {
        let backend = ScenarioBackend::start();
        let (control, raw) = (backend.control(), RawClient::new(backend.credentials("me")));
        control.faults(json!([
            { "function": "compile", "action": "s3:GetObject", "resource": "*.zip", "skip": 1, "times": 2,
              "do": { "delay_ms": 4000 } },
        ]));
        let id = RawClient::new_id();
        let key = format!("me/{id}.zip");
        assert_eq!(raw.upload(&id, large.clone(), &RawClient::metadata()).status, 200);
        let is_fetched = || called(&control, "s3:GetObject", &key) >= 2;
        until(|| "the source was not fetched".to_owned(), is_fetched);
        assert_eq!(raw.input("DELETE", &key, &[], vec![], true).status, 204);
        if replaced {
            assert_eq!(raw.upload(&id, RawArchive::program().bytes(), &RawClient::metadata()).status, 200);
        }
        let result = raw.result(&id);
        assert_eq!((result.outcome, result.message.as_deref()), (Outcome::Cancelled, Some(why)));
        usage::assert_settled(&control);
    }
}

#[test]
fn metadata_that_makes_no_sense_is_refused() {
    let backend = ScenarioBackend::start();
    let raw = RawClient::new(backend.credentials("me"));
    for (name, value) in [("protocol", "99"), ("protocol", "x"), ("command", "dance"), ("project", "../../etc")] {
        let metadata: Vec<(&str, &str)> =
            RawClient::metadata().into_iter().map(|(n, v)| if n == name { (n, value) } else { (n, v) }).collect();
        let id = RawClient::new_id();
        assert_eq!(raw.upload(&id, RawArchive::program().bytes(), &metadata).status, 200);
        let result = raw.result(&id);
        assert_eq!(result.outcome, Outcome::Refused, "{name}={value}: {result:?}");
        assert!(result.message.is_some(), "{name}={value}");
    }
    let id = RawClient::new_id();
    assert_eq!(raw.upload(&id, RawArchive::program().bytes(), &[]).status, 200);
    assert_eq!(raw.result(&id).outcome, Outcome::Refused);
}

//! Sources that are not what they should be.

use std::time::Duration;

use conformance::{Archive, Backend, Raw, until};
use protocol::Outcome;

use crate::usage;

#[test]
fn a_source_that_is_replaced_ends_the_build_it_was_for() {
    let backend = Backend::start();
    let raw = Raw::new(backend.credentials("me"));
    let id = Raw::new_id();
    let slow = Archive::program()
        .entry("source/build.rs", "fn main() { std::thread::sleep(std::time::Duration::from_secs(60)); }\n");
    assert_eq!(raw.upload(&id, slow.bytes(), &Raw::metadata()).status, 200);
    let control = backend.control();
    let is_claimed = || control.objects("output").iter().any(|key| key.ends_with("/claim"));
    until(|| "no attempt begins".to_owned(), is_claimed);
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(raw.input("DELETE", &format!("me/{id}.zip"), &[], vec![], true).status, 204);
    assert_eq!(raw.upload(&id, Archive::program().bytes(), &Raw::metadata()).status, 200);
    let result = raw.result(&id);
    assert_eq!(result.outcome, Outcome::Cancelled, "{result:?}");
    usage::assert_settled(&control);
}

#[test]
fn metadata_that_says_nonsense_is_refused() {
    let backend = Backend::start();
    let raw = Raw::new(backend.credentials("me"));
    for (name, value) in [("protocol", "99"), ("protocol", "x"), ("command", "dance"), ("project", "../../etc")] {
        let metadata: Vec<(&str, &str)> =
            Raw::metadata().into_iter().map(|(n, v)| if n == name { (n, value) } else { (n, v) }).collect();
        let id = Raw::new_id();
        assert_eq!(raw.upload(&id, Archive::program().bytes(), &metadata).status, 200);
        let result = raw.result(&id);
        assert_eq!(result.outcome, Outcome::Refused, "{name}={value}: {result:?}");
        assert!(result.message.is_some(), "{name}={value}");
    }
    let id = Raw::new_id();
    assert_eq!(raw.upload(&id, Archive::program().bytes(), &[]).status, 200);
    assert_eq!(raw.result(&id).outcome, Outcome::Refused);
}

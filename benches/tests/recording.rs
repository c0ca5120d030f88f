//! The README's recording shows what cargo-cloud does today.

use session_recording::{normalized, record, stored};

/// Runs the session again, which compiles `examples/heft` in release: half a minute, and crates of the registry.
#[test]
#[ignore = "compiles 73 crates of the registry: `make recording-check` runs it"]
fn a_new_session_prints_what_the_recording_shows() {
    let (stored, now) = (stored().expect("the stored capture"), record().expect("a new session"));
    assert_eq!(normalized(&now), normalized(&stored), "the recording is out of date: run `make recording`");
}

//! The README's recording shows what cargo-cloud does today.

use session_recording::{normalized, record, stored};

/// Runs the session again: it compiles `examples/heft` in release, so it takes about half a minute.
#[test]
fn a_new_session_prints_what_the_recording_shows() {
    let (stored, now) = (stored().expect("the stored capture"), record().expect("a new session"));
    assert_eq!(normalized(&now), normalized(&stored), "the recording is out of date: run `make recording`");
}

//! The README's recording shows what cargo-cloud does today.

use session_recording::{normalized, record, stored};

/// Runs the session again. It compiles `examples/heft` in release mode, which takes half a minute and needs crates of
/// the registry.
#[test]
#[ignore = "compiles 73 crates of the registry: `make recording-check` runs it"]
fn a_new_session_prints_the_same_as_the_recording() {
    let (stored, now) = (stored().expect("the stored capture"), record().expect("a new session"));
    assert_eq!(normalized(&now), normalized(&stored), "the recording is out of date: run `make recording`");
}

//! Waiting for conditions that become true after a while.

use std::time::{Duration, Instant};

/// How long a busy machine may take for anything but a build.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until a condition holds; `what` describes the failure if it never does.
#[track_caller]
pub fn until(what: impl Fn() -> String, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{}", what());
        std::thread::sleep(Duration::from_millis(50));
    }
}

//! Waiting for what comes some time.

use std::time::{Duration, Instant};

/// The longest a busy machine may take for anything that is no build.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until something is so; `what` is said when it never is.
#[track_caller]
pub fn until(what: impl Fn() -> String, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{}", what());
        std::thread::sleep(Duration::from_millis(50));
    }
}

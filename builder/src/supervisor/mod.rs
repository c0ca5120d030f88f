//! One small process per build.

/// First thing in a backend's `main`, before any thread exists: when this process was started as the engine's
/// supervisor, does that job and never returns.
pub fn supervisor_main_if_asked() {}

//! What keeps a build's processes away from the backend's own.

/// Hardens the backend's process, before it has any child: its memory, environment and files become unreadable to
/// other processes of the same user, and it adopts (so that it can end) whatever a killed supervisor leaves behind.
/// The process must have no children but the engine's.
pub fn harden_process() {
    #[cfg(target_os = "linux")]
    {
        use nix::sys::prctl;
        for (what, done) in [
            ("PR_SET_DUMPABLE", prctl::set_dumpable(false)),
            ("PR_SET_CHILD_SUBREAPER", prctl::set_child_subreaper(true)),
        ] {
            if let Err(error) = done {
                tracing::warn!(%error, what, "the kernel refused");
            }
        }
    }
}

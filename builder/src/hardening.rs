//! Protects the backend's process from the processes of builds.

/// Protects the backend's process; call it before the process has any child. Its memory, environment and files become
/// unreadable to other processes of the same user, and it adopts the processes of a killed supervisor, so that it can end
/// them. All later children of the process must be the engine's.
pub fn harden_process() {
    #[cfg(target_os = "linux")]
    {
        use nix::sys::prctl;
        for (what, done) in [
            ("PR_SET_DUMPABLE", prctl::set_dumpable(false)),
            ("PR_SET_CHILD_SUBREAPER", prctl::set_child_subreaper(true)),
        ] {
            if let Err(error) = done {
                tracing::warn!(%error, what, "the kernel refused to protect the backend's process");
            }
        }
    }
}

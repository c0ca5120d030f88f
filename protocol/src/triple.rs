//! What target triples say of each other.

/// Whether a machine of the kind `machine` can run programs for `target`: its own, and those of the same system that bring
/// their own C library.
pub fn runs_on(machine: &str, target: &str) -> bool {
    let musl = machine.strip_suffix("-gnu").map(|system| format!("{system}-musl"));
    machine == target || musl.as_deref() == Some(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn static_programs_run_on_their_system() {
        assert!(runs_on("x86_64-unknown-linux-gnu", "x86_64-unknown-linux-gnu"));
        assert!(runs_on("x86_64-unknown-linux-gnu", "x86_64-unknown-linux-musl"));
        assert!(!runs_on("x86_64-unknown-linux-musl", "x86_64-unknown-linux-gnu"));
        assert!(!runs_on("x86_64-unknown-linux-gnu", "aarch64-linux-android"));
    }
}

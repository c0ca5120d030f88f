//! Which machine can run programs for which target triple.

/// Whether a machine with the triple `machine` can run programs for `target`: those for its own triple, and those for musl
/// on the same system, which don't need the machine's C library.
pub fn runs_on(machine: &str, target: &str) -> bool {
    let musl = machine.strip_suffix("-gnu").map(|system| format!("{system}-musl"));
    machine == target || musl.as_deref() == Some(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn musl_programs_run_on_a_gnu_system() {
        assert!(runs_on("x86_64-unknown-linux-gnu", "x86_64-unknown-linux-gnu"));
        assert!(runs_on("x86_64-unknown-linux-gnu", "x86_64-unknown-linux-musl"));
        assert!(!runs_on("x86_64-unknown-linux-musl", "x86_64-unknown-linux-gnu"));
        assert!(!runs_on("x86_64-unknown-linux-gnu", "aarch64-linux-android"));
    }
}

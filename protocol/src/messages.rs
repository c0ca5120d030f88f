//! Messages for endings that cargo's output doesn't explain, in the same words on every backend.

/// Somebody cancelled the build by deleting its source.
pub const SOURCE_DELETED: &str = "the build was cancelled: its source was deleted";

/// Another source was uploaded under the same key.
pub const SOURCE_REPLACED: &str =
    "the build was cancelled: its source was replaced by another one; build again to use the new source";

/// Why a paused build gets no further attempt. `attempts` were made; the last one `advanced` or not, and was busy with
/// `working_on`, a crate or a phase. `longer` says how to give an attempt more time on this backend.
pub fn timed_out(attempts: u32, advanced: bool, working_on: &str, longer: &str) -> String {
    let work = if working_on.is_empty() { "the build".to_owned() } else { format!("`{working_on}`") };
    if advanced {
        format!("the build needs more than {attempts} attempts, which is the limit; it was busy with {work} last")
    } else {
        format!(
            "{work} needs more time than one attempt has, so another attempt would not finish it either; {longer}, or \
             make it compile faster (no lto, a lower opt-level for that crate)"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crate_that_took_too_long_is_named() {
        let said = timed_out(1, false, "big", "raise `timeout_s`");
        assert!(said.starts_with("`big` needs more time") && said.contains("raise `timeout_s`, or"), "{said}");
        assert!(timed_out(12, true, "", "x").contains("more than 12 attempts"));
    }
}

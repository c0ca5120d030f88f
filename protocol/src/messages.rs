//! What every backend says in the same words when a build ends that cargo doesn't explain.

/// The source is not there any more: someone cancelled the build.
pub const SOURCE_DELETED: &str = "the build was cancelled: its source was deleted";

/// The source is another one now.
pub const SOURCE_REPLACED: &str =
    "the build was cancelled: its source was replaced by another one; build again to build that";

/// Why a build that was paused goes on no more: after `attempts`, of which the last `advanced` or not, `working_on` a
/// crate or a phase. `longer` is what to do on this backend to give an attempt more time.
pub fn timed_out(attempts: u32, advanced: bool, working_on: &str, longer: &str) -> String {
    let work = if working_on.is_empty() { "the build".to_owned() } else { format!("`{working_on}`") };
    if advanced {
        format!("the build needs more than {attempts} attempts, the most there are; {work} was in work last")
    } else {
        format!(
            "{work} needs longer than one attempt may take, so no attempt gets past it; {longer}, or make it compile \
             faster (no lto, a lower opt-level for that crate)"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crate_that_took_too_long_is_named() {
        let said = timed_out(1, false, "big", "raise `timeout_s`");
        assert!(said.starts_with("`big` needs longer") && said.contains("raise `timeout_s`, or"), "{said}");
        assert!(timed_out(12, true, "", "x").contains("more than 12 attempts"));
    }
}

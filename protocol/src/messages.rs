//! Messages for endings that cargo's output doesn't explain, in the same words on every backend and in every part of one.

/// The build was stopped for a reason that isn't known.
pub const CANCELLED: &str = "the build was cancelled";

/// Somebody cancelled the build by deleting its source.
pub const SOURCE_DELETED: &str = "the build was cancelled: its source was deleted";

/// Another source was uploaded under the same key.
pub const SOURCE_REPLACED: &str =
    "the build was cancelled: its source was replaced by another one; build again to use the new source";

/// The backend is shutting down.
pub const BACKEND_STOPPING: &str =
    "the backend was stopped while this was building; start the build again once the backend runs";

/// The engine panicked outside of what it can report itself.
pub const ENGINE_DIED: &str = "the backend failed: its engine died; the backend's own log has the details";

/// Lambda ended the function because it used more memory than it has.
pub const OUT_OF_MEMORY: &str =
    "the builder ran out of memory; try fewer jobs at once, `-j 2`, or a profile without lto";

/// Lambda kept the build waiting until the event expired.
pub const NEVER_STARTED: &str = "the builder was too busy to start this build; try again later";

/// Why a paused build gets no further attempt. `attempts` were made; the last one `advanced` or not, and was busy with
/// `working_on`, a crate or a phase. `more_time` says how to give an attempt more time on this backend.
pub fn timed_out(attempts: u32, advanced: bool, working_on: &str, more_time: &str) -> String {
    let work = if working_on.is_empty() { "the build".to_owned() } else { format!("`{working_on}`") };
    if advanced {
        format!("the build needs more than {attempts} attempts, which is the limit; it was busy with {work} last")
    } else {
        format!(
            "{work} needs more time than one attempt has, so another attempt would not finish it either; {more_time}, or \
             make it compile faster (no lto, a lower opt-level for that crate)"
        )
    }
}

/// The builder was stopped from outside at the time limit of its machine; `said` is what the machine reported.
pub fn at_time_limit(said: &str) -> String {
    format!("the builder was stopped at its time limit ({said}); build again: the new build continues from the cache")
}

/// The builder ended for a reason of its own: `kind` and `said` are what the machine reported.
pub fn builder_died(kind: &str, said: &str) -> String {
    format!("the builder died ({kind}: {said}); its log has the details")
}

/// The whole backend ended while attempt number `attempt` ran; 0 when none had begun.
pub fn backend_died(attempt: u32) -> String {
    if attempt == 0 {
        return "the backend stopped before this build started; build again".to_owned();
    }
    format!(
        "the backend stopped while attempt {attempt} of this build was running; build again: the new build continues from \
         what was compiled"
    )
}

/// An attempt could not be started after an earlier one had run out of time.
pub fn not_started(attempt: u32, why: &str) -> String {
    format!("attempt {attempt} could not be started: {why}; build again: the new build continues from the cache")
}

/// The budget of `month` (`YYYY-MM`), `limit` GB-seconds, has less left than the `attempt` GB-seconds one attempt can cost.
pub fn over_budget(month: &str, limit: f64, attempt: f64) -> String {
    format!(
        "this month's budget ({month}) of {} GB-seconds has less left than the {} GB-seconds that one attempt can cost, \
         so nothing is built until next month; to build now, raise `monthly_gb_seconds` in the Terraform configuration \
         and apply it",
        limit.round(),
        attempt.round()
    )
}

/// What was built can't be brought home.
pub fn artifact_lost(why: &str) -> String {
    format!("what was built could not be stored: {why}; build again")
}

/// Events didn't reach the followers; the log is stored with all of them, or `in_log` is false.
pub fn events_lost(why: &str, in_log: bool) -> String {
    let log = if in_log { "; its log has all of it" } else { "" };
    format!("some of the build's output could not be sent while it ran: {why}{log}")
}

/// The log of an attempt is not in the output bucket; `of_several` attempts, or of the only one.
pub fn log_lost(why: &str, of_several: bool) -> String {
    let what = if of_several { "a part of the build's log" } else { "the build's log" };
    format!("{what} could not be stored: {why}")
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

    #[test]
    fn a_spent_budget_says_what_to_do() {
        let said = over_budget("2026-11", 400_000.2, 9000.0);
        for part in ["2026-11", "of 400000 GB-seconds", "the 9000 GB-seconds", "monthly_gb_seconds"] {
            assert!(said.contains(part), "{said}");
        }
    }
}

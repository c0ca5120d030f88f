//! Divides the time of an invocation between the engine and the steps after it.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Time reserved for storing the outputs of the engine: this much, but at most an eighth of the invocation's time.
const STORING: Duration = Duration::from_secs(30);

/// Time reserved for the last steps (storing and sending the result, recording the cost): this much, but at most a
/// twentieth of the invocation's time.
const LAST_THINGS: Duration = Duration::from_secs(5);

/// Start and deadline of an invocation.
#[derive(Debug, Clone, Copy)]
pub struct InvocationClock {
    started: Instant,
    deadline: Instant,
}

impl InvocationClock {
    /// Starts the clock. `deadline_ms` is when Lambda ends the invocation, in milliseconds since 1970 (UTC).
    pub fn until(deadline_ms: u64) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::new(Instant::now(), Duration::from_millis(deadline_ms).saturating_sub(now))
    }

    fn new(started: Instant, time: Duration) -> Self {
        Self { started, deadline: started + time }
    }

    /// The time between the start and the deadline.
    pub fn whole(&self) -> Duration {
        self.deadline - self.started
    }

    /// The time that has passed since the start.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Whether more than half of the time is left. With less, another build would pause early and continue elsewhere.
    pub fn has_half_left(&self) -> bool {
        self.elapsed() < self.whole() / 2
    }

    /// When the engine must be done, so that there is time to store its outputs.
    pub fn engine_deadline(&self) -> Instant {
        self.deadline - STORING.min(self.whole() / 8)
    }

    /// When everything must be done except storing and sending the result and recording the attempt's cost.
    pub fn last_call(&self) -> Instant {
        self.deadline - LAST_THINGS.min(self.whole() / 20)
    }

    /// When the result must be stored and sent.
    pub fn result_deadline(&self) -> Instant {
        self.deadline - LAST_THINGS.min(self.whole() / 20) / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_and_short_invocations_keep_time_after_the_engine() {
        let start = Instant::now();
        for (seconds, engine, last) in [(900, 870.0, 895.0), (16, 14.0, 15.2)] {
            let clock = InvocationClock::new(start, Duration::from_secs(seconds));
            assert_eq!((clock.engine_deadline() - start).as_secs_f32(), engine);
            assert_eq!((clock.last_call() - start).as_secs_f32(), last);
            assert!(clock.result_deadline() > clock.last_call() && clock.result_deadline() < clock.deadline);
            assert!(clock.has_half_left());
        }
    }

    #[test]
    fn a_past_deadline_leaves_no_time() {
        assert_eq!(InvocationClock::until(5).whole(), Duration::ZERO);
        assert!(!InvocationClock::until(5).has_half_left());
    }
}

//! The time an invocation has.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What is kept of an invocation's time for storing what was built, at most; of a short time an eighth.
const STORING: Duration = Duration::from_secs(30);

/// What is kept for the very last things, at most; of a short time a twentieth.
const LAST_THINGS: Duration = Duration::from_secs(5);

/// The time an invocation has.
#[derive(Debug, Clone, Copy)]
pub struct InvocationClock {
    started: Instant,
    deadline: Instant,
}

impl InvocationClock {
    /// From when Lambda ends the invocation, in milliseconds since 1970.
    pub fn until(deadline_ms: u64) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::new(Instant::now(), Duration::from_millis(deadline_ms).saturating_sub(now))
    }

    fn new(started: Instant, time: Duration) -> Self {
        Self { started, deadline: started + time }
    }

    /// All the time there was at the start.
    pub fn whole(&self) -> Duration {
        self.deadline - self.started
    }

    /// The time since the start.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Whether enough is left to begin another build here: it would pause early, and go on elsewhere.
    pub fn has_half_left(&self) -> bool {
        self.elapsed() < self.whole() / 2
    }

    /// When the engine must be done, so that there is time to store what it made.
    pub fn engine_deadline(&self) -> Instant {
        self.deadline - STORING.min(self.whole() / 8)
    }

    /// When everything must be done but noting what the attempt cost.
    pub fn last_call(&self) -> Instant {
        self.deadline - LAST_THINGS.min(self.whole() / 20)
    }

    /// When the result must be out.
    pub fn result_deadline(&self) -> Instant {
        self.deadline - LAST_THINGS.min(self.whole() / 20) / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_time_after_the_engine_in_long_and_in_short_invocations() {
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
    fn a_deadline_that_is_over_leaves_nothing() {
        assert_eq!(InvocationClock::until(5).whole(), Duration::ZERO);
        assert!(!InvocationClock::until(5).has_half_left());
    }
}

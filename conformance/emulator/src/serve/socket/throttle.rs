//! The throttle of a stage: a bucket of tokens that fills at a steady rate.

use std::time::Instant;

use crate::serve::applied::websocket::Stage;

/// Lets a limited number of requests through.
#[derive(Debug)]
pub struct Throttle {
    rate: f64,
    burst: f64,
    tokens: f64,
    at: Instant,
}

impl Throttle {
    /// A full bucket. Where the stage says nothing the account's limits hold: 10,000 a second, 5,000 at once (API
    /// Gateway's quotas).
    pub fn new(stage: Stage, now: Instant) -> Self {
        let burst = f64::from(stage.burst.unwrap_or(5_000));
        Self { rate: stage.rate.unwrap_or(10_000.0), burst, tokens: burst, at: now }
    }

    /// Whether one more goes through.
    pub fn admits(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = (self.tokens + passed * self.rate).min(self.burst);
        self.at = now;
        let admitted = self.tokens >= 1.0;
        if admitted {
            self.tokens -= 1.0;
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_goes_through_then_the_rate() {
        let start = Instant::now();
        let mut throttle = Throttle::new(Stage { rate: Some(2.0), burst: Some(3) }, start);
        let at = |ms| start + Duration::from_millis(ms);
        let admitted: Vec<bool> =
            [0, 0, 0, 0, 400, 500, 600, 1000].into_iter().map(|ms| throttle.admits(at(ms))).collect();
        assert_eq!(admitted, [true, true, true, false, false, true, false, true]);
        assert_eq!((0..10).filter(|_| throttle.admits(at(60_000))).count(), 3, "it does not fill above its size");
    }
}

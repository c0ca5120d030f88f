//! Estimates how long saving a project takes, from the speed of the last save.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Speed that is assumed until one was measured, in bytes per second before packing. Packed, that is about a third,
/// which goes over a line of about 600 Mbit/s.
const GUESS: u64 = 100 * 1024 * 1024;

/// Smallest project, in bytes, whose measured speed is used.
const MEANINGFUL: u64 = 32 * 1024 * 1024;

/// Time that every save takes, however small the project is.
const AT_LEAST: Duration = Duration::from_millis(500);

/// Speed of saving in bytes per second, counted before packing. Clones share one value.
#[derive(Debug, Clone)]
pub struct Rate(Arc<AtomicU64>);

impl Default for Rate {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(GUESS)))
    }
}

impl Rate {
    /// Records that saving `bytes` took `time`.
    pub fn measured(&self, bytes: u64, time: Duration) {
        if bytes >= MEANINGFUL {
            let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1);
            self.0.store((bytes.saturating_mul(1000) / ms).max(1), Ordering::Relaxed);
        }
    }

    /// Estimates how long saving `bytes` takes: half as much again as the last measured speed suggests.
    pub fn time_for(&self, bytes: u64) -> Duration {
        let rate = self.0.load(Ordering::Relaxed).max(1);
        AT_LEAST + Duration::from_millis(bytes.saturating_mul(1500) / rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_estimate_follows_the_last_measurement() {
        let rate = Rate::default();
        assert_eq!(rate.time_for(0), AT_LEAST);
        assert_eq!(rate.time_for(GUESS * 10).as_secs(), 15);
        rate.measured(1024, Duration::from_secs(9));
        assert_eq!(rate.time_for(GUESS * 10).as_secs(), 15, "too little to learn from");
        rate.measured(GUESS, Duration::from_secs(2));
        assert_eq!(rate.time_for(GUESS * 10).as_secs(), 30);
    }
}

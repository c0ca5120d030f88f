//! How fast projects are saved.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Bytes a second before anything was measured: a third of them go over a line of about 600 Mbit/s.
const GUESS: u64 = 100 * 1024 * 1024;

/// Measured of less than this says nothing.
const MEANINGFUL: u64 = 32 * 1024 * 1024;

/// What every saving takes, however small.
const AT_LEAST: Duration = Duration::from_millis(500);

/// Bytes a second, before they are packed.
#[derive(Debug, Clone)]
pub struct Rate(Arc<AtomicU64>);

impl Default for Rate {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(GUESS)))
    }
}

impl Rate {
    /// So much was saved in this time.
    pub fn measured(&self, bytes: u64, time: Duration) {
        if bytes >= MEANINGFUL {
            let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1);
            self.0.store((bytes.saturating_mul(1000) / ms).max(1), Ordering::Relaxed);
        }
    }

    /// How long it may take to save this much: half more than the last time it was measured.
    pub fn time_for(&self, bytes: u64) -> Duration {
        let rate = self.0.load(Ordering::Relaxed).max(1);
        AT_LEAST + Duration::from_millis(bytes.saturating_mul(1500) / rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_follows_what_was_measured() {
        let rate = Rate::default();
        assert_eq!(rate.time_for(0), AT_LEAST);
        assert_eq!(rate.time_for(GUESS * 10).as_secs(), 15);
        rate.measured(1024, Duration::from_secs(9));
        assert_eq!(rate.time_for(GUESS * 10).as_secs(), 15, "too little to learn from");
        rate.measured(GUESS, Duration::from_secs(2));
        assert_eq!(rate.time_for(GUESS * 10).as_secs(), 30);
    }
}

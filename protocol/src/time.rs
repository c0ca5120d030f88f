//! Times as events carry them.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds from the beginning of 1970 (UTC) to `time`: 0 for a time before it.
pub fn unix_millis(time: SystemTime) -> u64 {
    u64::try_from(time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_before_1970_are_its_beginning() {
        assert_eq!(unix_millis(UNIX_EPOCH + Duration::from_micros(1_234_567)), 1234);
        assert_eq!(unix_millis(UNIX_EPOCH - Duration::from_secs(1)), 0);
    }
}

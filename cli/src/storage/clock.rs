//! The device's clock, corrected by the `Date` header of servers, since requests with a wrong time are refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The time that requests are signed with.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    /// Milliseconds to add to the device's time.
    offset: Arc<AtomicI64>,
}

/// Differences up to this many milliseconds are ignored: `Date` has whole seconds and took time to arrive.
const TOLERANCE_MS: i64 = 5_000;

impl Clock {
    /// The corrected time in milliseconds since 1970.
    pub fn unix_ms(&self) -> u64 {
        let device = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let device = u64::try_from(device.as_millis()).unwrap_or_default();
        device.saturating_add_signed(self.offset.load(Ordering::Relaxed))
    }

    /// Milliseconds that the device's clock is behind the servers', negative if ahead; 0 within the tolerance.
    pub fn behind_ms(&self) -> i64 {
        self.offset.load(Ordering::Relaxed)
    }

    /// Corrects the clock by a `Date` header. True if the correction changed.
    pub fn learn(&self, date: &str) -> bool {
        let Ok(date) = httpdate::parse_http_date(date) else { return false };
        let millis = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        let ahead = match date.duration_since(SystemTime::now()) {
            Ok(ahead) => millis(ahead),
            Err(behind) => -millis(behind.duration()),
        };
        let offset = if ahead.abs() <= TOLERANCE_MS { 0 } else { ahead };
        (self.offset.swap(offset, Ordering::Relaxed) - offset).abs() > TOLERANCE_MS
    }
}

/// Year, month, day, hour, minute and second of a time in seconds since 1970
/// (days to civil date: howardhinnant.github.io/date_algorithms.html).
pub fn civil(unix: u64) -> (u64, u64, u64, u64, u64, u64) {
    let (days, second) = (unix / 86_400, unix % 86_400);
    let z = days + 719_468;
    let era = z / 146_097;
    let day_of_era = z % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day, second / 3600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn civil_dates() {
        assert_eq!(civil(0), (1970, 1, 1, 0, 0, 0));
        assert_eq!(civil(951_782_400), (2000, 2, 29, 0, 0, 0));
        assert_eq!(civil(1_440_938_160), (2015, 8, 30, 12, 36, 0));
        assert_eq!(civil(1_796_083_199), (2026, 11, 30, 23, 59, 59));
    }

    #[test]
    fn a_date_that_is_far_off_corrects_the_clock() {
        let clock = Clock::default();
        let date = |ahead: u64| httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(ahead));
        assert!(!clock.learn(&date(2)) && !clock.learn("yesterday"));
        assert!(clock.learn(&date(3600)));
        let device = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
        assert!(clock.unix_ms().abs_diff(device + 3_600_000) < 3_000);
        assert!(clock.learn(&date(0)));
    }
}

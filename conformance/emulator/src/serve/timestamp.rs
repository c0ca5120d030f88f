//! Times as AWS writes them.

use std::time::SystemTime;

use time::OffsetDateTime;
use time::macros::format_description;

/// The time in UTC with milliseconds, as in logs and events: `2026-01-02T03:04:05.678Z`.
pub fn timestamp(time: SystemTime) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    OffsetDateTime::from(time).format(format).unwrap_or_default()
}

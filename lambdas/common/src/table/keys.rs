//! The table's keys (`pk`, `sk`). Rows of one build are stored together, in this order: `attempt#…`, `conn#…`,
//! `event#…`, `result`.

use protocol::{BuildId, Owner};

/// Partition key of all rows about a build.
pub fn build(owner: &Owner, build: &BuildId) -> String {
    format!("build#{owner}/{build}")
}

/// Partition key of the row that leads from a connection to its build. Also the sort key of the follower among the
/// build's rows.
pub fn connection(id: &str) -> String {
    format!("conn#{id}")
}

/// Sort key of the only row of a connection.
pub const BUILD: &str = "build";

/// Prefix of the sort keys of followers.
pub const CONNECTIONS: &str = "conn#";

/// Sort key of the events of one bus entry, by the number of the last event. Events after number `n` sort behind
/// `event(n)`.
pub fn event(last: u64) -> String {
    format!("event#{last:012}")
}

/// Sort key of the build's result.
pub const RESULT: &str = "result";

/// Sort key of the outcome of an attempt that didn't write the result itself.
pub fn attempt(number: u32) -> String {
    format!("attempt#{number:02}")
}

/// Partition key of the usage in a month, given as `YYYY-MM`.
pub fn usage(month: &str) -> String {
    format!("usage#{month}")
}

/// Sort key of the month's sum.
pub const TOTAL: &str = "total";

/// Sort key of an attempt in the usage of a month.
pub fn usage_attempt(owner: &Owner, build: &BuildId, attempt: u32) -> String {
    format!("attempt#{owner}/{build}#{attempt}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_builds_rows_sort_as_they_are_read() {
        let keys =
            [attempt(12), connection("zzzz="), event(0), event(9), event(10), event(999_999_999_999), RESULT.into()];
        assert!(keys.is_sorted(), "{keys:?}");
    }
}

//! The table's keys (`pk`, `sk`). Rows of one build lie together, in this order: `attempt#…`, `conn#…`, `event#…`,
//! `result`.

use protocol::{BuildId, Owner};

/// Partition: everything about a build.
pub fn build(owner: &Owner, build: &BuildId) -> String {
    format!("build#{owner}/{build}")
}

/// Partition: the way back from a connection to its build. Also the sort key of the follower among the build's rows.
pub fn connection(id: &str) -> String {
    format!("conn#{id}")
}

/// The sort key of a connection's one row.
pub const BUILD: &str = "build";

/// What sort keys of followers begin with.
pub const CONNECTIONS: &str = "conn#";

/// Sort key: events of one bus entry, by the number of the last. Whatever comes after `n` sorts behind `event(n)`.
pub fn event(last: u64) -> String {
    format!("event#{last:012}")
}

/// Sort key: how the build ended.
pub const RESULT: &str = "result";

/// Sort key: what became of an attempt that didn't write the result itself.
pub fn attempt(number: u32) -> String {
    format!("attempt#{number:02}")
}

/// Partition: usage of a month, `YYYY-MM`.
pub fn usage(month: &str) -> String {
    format!("usage#{month}")
}

/// Sort key: the month's sum.
pub const TOTAL: &str = "total";

/// Sort key: an attempt among the usage of a month.
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

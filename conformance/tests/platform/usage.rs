//! The usage of builds in the table.

use conformance::{Control, until};
use serde_json::Value;

/// The rows of usage: the sum of the month, and the attempts.
pub fn rows(control: &Control) -> (Option<Value>, Vec<Value>) {
    let table = control.get("table");
    let rows = table.as_array().expect("rows").iter().cloned();
    let rows = rows.filter(|row| row["pk"].as_str().is_some_and(|pk| pk.starts_with("usage#")));
    let (totals, attempts): (Vec<_>, Vec<_>) = rows.partition(|row| row["sk"] == "total");
    assert!(totals.len() <= 1, "this takes no month: {totals:?}");
    (totals.into_iter().next(), attempts)
}

/// Asserts that soon every attempt is settled, and that the sum is their cost, so that nothing stays reserved.
#[track_caller]
pub fn assert_settled(control: &Control) {
    let is_settled = || {
        let (total, attempts) = rows(control);
        let settled: Vec<u64> = attempts.iter().filter_map(|attempt| attempt["settled"].as_u64()).collect();
        let spent = total.map_or(0, |total| total["spent"].as_u64().expect("a sum"));
        settled.len() == attempts.len() && settled.iter().sum::<u64>() == spent
    };
    until(|| format!("not settled: {:?}", rows(control)), is_settled);
}

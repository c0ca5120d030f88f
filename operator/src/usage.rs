//! The usage of this month and the running builds, from the rows that the functions keep in the table.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::AttributeValue;
use common::table::keys;
use common::usage;

use crate::aws::{self, refused};
use crate::deployment::Deployment;

/// An attempt that is older and not settled has died: Lambda's longest time-out and one minute.
const LONGEST_ATTEMPT: Duration = Duration::from_secs(960);

/// A build that is running now.
#[derive(Debug, PartialEq, Eq)]
pub struct RunningBuild {
    /// The build, as `<owner>/<build id>`.
    pub build: String,
    /// For how long its attempt has been running.
    pub since: Duration,
}

impl fmt::Display for RunningBuild {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for {} s", self.build, self.since.as_secs())
    }
}

/// The builds that run now.
pub async fn running(deployment: &Deployment) -> Result<Vec<RunningBuild>> {
    let Some(table) = deployment.table() else { return Ok(Vec::new()) };
    let client = Client::new(&aws::config().await);
    let now = SystemTime::now();
    let mut running = Vec::new();
    // An attempt that began before the end of a month is counted there.
    let mut months = vec![usage::month(now - LONGEST_ATTEMPT), usage::month(now)];
    months.dedup();
    for month in months {
        let mut rows = client
            .query()
            .table_name(table)
            .key_condition_expression("pk = :pk AND begins_with(sk, :attempt)")
            .filter_expression("attribute_not_exists(settled)")
            .expression_attribute_values(":pk", AttributeValue::S(keys::usage(&month)))
            .expression_attribute_values(":attempt", AttributeValue::S("attempt#".to_owned()))
            .into_paginator()
            .items()
            .send();
        while let Some(row) = rows.next().await {
            let row = match row {
                // An earlier `make destroy` has already removed the table, so no build is running.
                Err(error) if error.code() == Some("ResourceNotFoundException") => return Ok(Vec::new()),
                row => row.map_err(refused("the usage can't be read"))?,
            };
            let text = |name: &str| row.get(name).and_then(|value| value.as_s().ok());
            let at = row.get("at").and_then(|value| value.as_n().ok()?.parse().ok());
            running.extend(text("sk").zip(at).and_then(|(key, at)| attempt(key, at, now)));
        }
    }
    Ok(running)
}

/// The build of an attempt's row, if the attempt can still be running. `at`: its start, in milliseconds since 1970.
fn attempt(sort_key: &str, at: u64, now: SystemTime) -> Option<RunningBuild> {
    let build = sort_key.strip_prefix("attempt#")?.rsplit_once('#')?.0.to_owned();
    let since = now.duration_since(UNIX_EPOCH + Duration::from_millis(at)).unwrap_or_default();
    (since < LONGEST_ATTEMPT).then_some(RunningBuild { build, since })
}

/// The GB-seconds of this month, including those that running builds have reserved.
pub async fn this_month(deployment: &Deployment) -> Result<Option<f64>> {
    let Some(table) = deployment.table() else { return Ok(None) };
    let client = Client::new(&aws::config().await);
    let row = client
        .get_item()
        .table_name(table)
        .key("pk", AttributeValue::S(keys::usage(&usage::month(SystemTime::now()))))
        .key("sk", AttributeValue::S(keys::TOTAL.to_owned()))
        .send()
        .await
        .map_err(refused("the usage can't be read"))?;
    let spent = row.item.as_ref().and_then(|row| row.get("spent")?.as_n().ok()?.parse().ok());
    Ok(Some(usage::gb_seconds(spent.unwrap_or(0))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_counts_as_running_no_longer_than_lambda_allows() {
        let now = UNIX_EPOCH + Duration::from_secs(10_000);
        let row = attempt("attempt#me/0198-x#2", 9_900_000, now).unwrap();
        assert_eq!(row.to_string(), "me/0198-x for 100 s");
        assert_eq!(attempt("attempt#me/0198-x#2", 9_000_000, now), None);
        assert_eq!(attempt("total", 9_900_000, now), None);
    }
}

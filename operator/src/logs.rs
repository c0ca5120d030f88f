//! The logs of the functions.

use std::collections::HashSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail};
use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;

use crate::aws::{self, refused};
use crate::deployment::Deployment;

/// How often to ask for new lines.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// How late lines may arrive, in milliseconds. Each poll asks for this time again.
const MAX_DELAY: i64 = 15_000;

/// Prints the lines of all functions, or of the function `only`, in the order of time. `since`: how far back.
pub async fn print(deployment: &Deployment, only: Option<&str>, since: Duration, follow: bool) -> Result<()> {
    deployment.client()?;
    let functions: Vec<_> = deployment.functions().filter(|(what, _)| only.is_none_or(|only| only == *what)).collect();
    if functions.is_empty() {
        let names = deployment.functions().map(|(what, _)| what).collect::<Vec<_>>().join(", ");
        bail!("there is no function `{}`; there are: {names}", only.unwrap_or_default());
    }
    let client = Client::new(&aws::config().await);
    let mut from = millis(SystemTime::now() - since);
    let mut seen = HashSet::new();
    loop {
        let mut lines = Vec::new();
        for (what, name) in &functions {
            let events = events(&client, &format!("/aws/lambda/{name}"), from).await?;
            lines.extend(events.into_iter().map(|event| (event.timestamp().unwrap_or_default(), *what, event)));
        }
        lines.sort_by_key(|(at, ..)| *at);
        let mut now_seen = HashSet::new();
        for (at, what, event) in &lines {
            let id = event.event_id().unwrap_or_default().to_owned();
            if !seen.contains(&id) {
                println!("{} {what:<10} {}", aws::time(*at), event.message().unwrap_or_default().trim_end());
            }
            now_seen.insert(id);
        }
        if !follow {
            return Ok(());
        }
        seen = now_seen;
        from = from.max(millis(SystemTime::now()) - MAX_DELAY);
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

async fn events(client: &Client, group: &str, from: i64) -> Result<Vec<FilteredLogEvent>> {
    let mut pages = client.filter_log_events().log_group_name(group).start_time(from).into_paginator().send();
    let mut events = Vec::new();
    while let Some(page) = pages.next().await {
        events.extend(page.map_err(refused("logs can't be read"))?.events.unwrap_or_default());
    }
    Ok(events)
}

fn millis(at: SystemTime) -> i64 {
    i64::try_from(at.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
}

/// Reads a period such as `90s`, `15m`, `2h` or `1d`.
pub fn period(text: &str) -> Result<Duration, String> {
    let units = [('s', 1), ('m', 60), ('h', 3600), ('d', 86_400)];
    let seconds = units.into_iter().find_map(|(unit, seconds)| {
        let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
        number.checked_mul(seconds)
    });
    seconds
        .map(Duration::from_secs)
        .ok_or_else(|| format!("`{text}` is not a period. Periods look like this: 90s, 15m, 2h, 1d"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_have_a_number_and_a_unit() {
        assert_eq!(period("15m"), Ok(Duration::from_secs(900)));
        assert_eq!(period("1d"), Ok(Duration::from_secs(86_400)));
        for wrong in ["", "h", "5", "-1h", "2 w", "é"] {
            assert!(period(wrong).is_err(), "{wrong}");
        }
    }
}

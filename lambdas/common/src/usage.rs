//! Records the cost of builds and limits it: a sum for each month, and a row for each attempt. An attempt reserves its
//! highest possible cost before it works. It is settled once, after it has ended: by itself, or by the relay if it
//! died.
//!
//! Amounts are whole gigabyte-milliseconds: memory in MB times milliseconds, divided by 1024, as Lambda bills it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem, Update};
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use protocol::{BuildId, Owner, unix_millis};

use crate::table::{Table, TableError, keys};

/// How long usage is kept, in seconds: 90 days.
const KEPT: u64 = 90 * 24 * 3600;

/// Waits in milliseconds before a transaction is retried that collided with another one or found the table busy. Builds
/// that start together all update the month's sum.
const WAITS_MS: [u64; 8] = [20, 50, 100, 200, 400, 800, 1600, 3000];

/// The amount that an attempt has reserved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// The month that the attempt counts for, as `YYYY-MM`.
    pub month: String,
    /// The reserved amount in gigabyte-milliseconds.
    pub reserved: u64,
}

/// The answer to a request for a reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reserve {
    /// The amount is reserved, and the attempt may work.
    Granted(Reservation),
    /// The rest of the month's budget is too small for the attempt.
    Spent {
        /// The month whose budget is spent, as `YYYY-MM`.
        month: String,
    },
}

/// The monthly budget, and the function's memory, from which costs are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// The most that may be spent in a month, in gigabyte-milliseconds.
    pub cap: u64,
    /// The function's memory in MB.
    pub memory_mb: u64,
}

impl Budget {
    /// The cost of a function that runs for `time`, in gigabyte-milliseconds.
    pub fn cost(&self, time: Duration) -> u64 {
        cost(self.memory_mb, u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
    }
}

fn cost(memory_mb: u64, ms: u64) -> u64 {
    memory_mb.saturating_mul(ms) / 1024
}

/// Converts gigabyte-milliseconds to gigabyte-seconds, the unit that people see.
pub fn gb_seconds(gb_ms: u64) -> f64 {
    // The conversion is exact: any month's sum is less than 2^53.
    gb_ms as f64 / 1000.0
}

/// The month of a time in UTC, as `YYYY-MM`.
pub fn month(at: SystemTime) -> String {
    let mut text = DateTime::from(at).fmt(Format::DateTime).unwrap_or_default();
    text.truncate(7);
    text
}

/// The month before this one, in the same form. `None` if `month` has another form.
fn previous(month: &str) -> Option<String> {
    let (year, month) = month.split_once('-')?;
    let (year, month): (u32, u32) = (year.parse().ok()?, month.parse().ok()?);
    Some(if month == 1 { format!("{:04}-12", year.checked_sub(1)?) } else { format!("{year:04}-{:02}", month - 1) })
}

fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

fn n(number: impl ToString) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// Whether a transaction was carried out.
#[derive(Debug, PartialEq, Eq)]
enum TransactionOutcome {
    Yes,
    /// Nothing was written, because a condition didn't hold. The number is the place of the first such item.
    No(usize),
}

impl Table {
    /// Reserves the highest possible cost of an attempt that may run for `time`. If the same attempt reserves again,
    /// this is granted and not counted again.
    pub async fn reserve(
        &self,
        owner: &Owner,
        build: &BuildId,
        attempt: u32,
        budget: Budget,
        time: Duration,
    ) -> Result<Reserve, TableError> {
        let now = SystemTime::now();
        let (month, worst) = (month(now), budget.cost(time));
        let Some(limit) = budget.cap.checked_sub(worst) else { return Ok(Reserve::Spent { month }) };
        let ttl = n(unix_millis(now) / 1000 + KEPT);
        let row = Put::builder()
            .table_name(&self.name)
            .item("pk", s(keys::usage(&month)))
            .item("sk", s(keys::usage_attempt(owner, build, attempt)))
            .item("reserved", n(worst))
            .item("memory_mb", n(budget.memory_mb))
            .item("at", n(unix_millis(now)))
            .item("ttl", ttl.clone())
            .condition_expression("attribute_not_exists(pk)");
        let total = Update::builder()
            .table_name(&self.name)
            .key("pk", s(keys::usage(&month)))
            .key("sk", s(keys::TOTAL))
            .update_expression("ADD spent :worst SET #ttl = :ttl")
            .condition_expression("attribute_not_exists(spent) OR spent <= :limit")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":worst", n(worst))
            .expression_attribute_values(":limit", n(limit))
            .expression_attribute_values(":ttl", ttl);
        let items = [
            TransactWriteItem::builder().put(row.build().map_err(incomplete)?).build(),
            TransactWriteItem::builder().update(total.build().map_err(incomplete)?).build(),
        ];
        Ok(match self.transact(items).await? {
            TransactionOutcome::Yes | TransactionOutcome::No(0) => {
                Reserve::Granted(Reservation { month, reserved: worst })
            }
            TransactionOutcome::No(_) => Reserve::Spent { month },
        })
    }

    /// Replaces an attempt's reservation by its cost, in gigabyte-milliseconds. Returns false if the attempt was
    /// settled before.
    pub async fn settle(
        &self,
        owner: &Owner,
        build: &BuildId,
        attempt: u32,
        reservation: &Reservation,
        spent: u64,
    ) -> Result<bool, TableError> {
        let row = Update::builder()
            .table_name(&self.name)
            .key("pk", s(keys::usage(&reservation.month)))
            .key("sk", s(keys::usage_attempt(owner, build, attempt)))
            .update_expression("SET settled = :spent")
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(settled)")
            .expression_attribute_values(":spent", n(spent));
        let difference = i128::from(spent) - i128::from(reservation.reserved);
        let total = Update::builder()
            .table_name(&self.name)
            .key("pk", s(keys::usage(&reservation.month)))
            .key("sk", s(keys::TOTAL))
            .update_expression("ADD spent :difference")
            .expression_attribute_values(":difference", n(difference));
        let items = [
            TransactWriteItem::builder().update(row.build().map_err(incomplete)?).build(),
            TransactWriteItem::builder().update(total.build().map_err(incomplete)?).build(),
        ];
        Ok(self.transact(items).await? == TransactionOutcome::Yes)
    }

    /// Settles an attempt that died at `ended`, from the row it wrote when it began. Returns false if there is nothing
    /// to settle: the attempt never reserved, or was settled before.
    pub async fn settle_dead(
        &self,
        owner: &Owner,
        build: &BuildId,
        attempt: u32,
        ended: SystemTime,
    ) -> Result<bool, TableError> {
        let this = month(ended);
        for month in [Some(this.clone()), previous(&this)].into_iter().flatten() {
            let row = self
                .client
                .get_item()
                .table_name(&self.name)
                .key("pk", s(keys::usage(&month)))
                .key("sk", s(keys::usage_attempt(owner, build, attempt)))
                .consistent_read(true)
                .send()
                .await
                .map_err(TableError::call("GetItem"))?;
            let Some(row) = row.item else { continue };
            if row.contains_key("settled") {
                return Ok(false);
            }
            let number = |name: &str| row.get(name).and_then(|value| value.as_n().ok()?.parse::<u64>().ok());
            let reserved = number("reserved").unwrap_or_default();
            let spent = spent_until(number("at"), number("memory_mb"), reserved, unix_millis(ended));
            return self.settle(owner, build, attempt, &Reservation { month, reserved }, spent).await;
        }
        Ok(false)
    }

    async fn transact(&self, items: [TransactWriteItem; 2]) -> Result<TransactionOutcome, TableError> {
        let mut waits = WAITS_MS.iter();
        loop {
            let sent = self.client.transact_write_items().set_transact_items(Some(items.to_vec())).send().await;
            let Err(error) = sent else { return Ok(TransactionOutcome::Yes) };
            let reasons = match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => cancelled
                    .cancellation_reasons()
                    .iter()
                    .map(|reason| reason.code().unwrap_or_default().to_owned())
                    .collect(),
                _ => Vec::new(),
            };
            if let Some(place) = reasons.iter().position(|code| code == "ConditionalCheckFailed") {
                return Ok(TransactionOutcome::No(place));
            }
            let busy = reasons.iter().any(|code| is_passing(code))
                || matches!(error.as_service_error(), Some(TransactWriteItemsError::TransactionInProgressException(_)));
            match waits.next().filter(|_| busy) {
                Some(wait) => tokio::time::sleep(jittered(*wait)).await,
                None => return Err(TableError::call("TransactWriteItems")(error)),
            }
        }
    }
}

/// Converts an error that can't occur: the code above sets every field that an item needs.
fn incomplete(why: BuildError) -> TableError {
    TableError::Call { operation: "TransactWriteItems", code: "incomplete item".to_owned(), why: why.to_string() }
}

/// Whether the reason of a cancelled transaction is temporary (docs.aws.amazon.com/amazondynamodb, TransactWriteItems).
fn is_passing(code: &str) -> bool {
    matches!(code, "TransactionConflict" | "ProvisionedThroughputExceeded" | "ThrottlingError")
}

/// A wait between half of `ms` milliseconds and all of them, so that transactions that collided don't collide again.
fn jittered(ms: u64) -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().subsec_nanos();
    Duration::from_micros(ms * 500 + u64::from(now) % (ms * 500).max(1))
}

fn spent_until(at: Option<u64>, memory_mb: Option<u64>, reserved: u64, ended: u64) -> u64 {
    match (at, memory_mb) {
        (Some(at), Some(memory_mb)) => cost(memory_mb, ended.saturating_sub(at)).min(reserved),
        _ => reserved,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_those_of_utc() {
        let at = |seconds| month(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(
            (at(0).as_str(), at(951_782_399).as_str(), at(951_868_800).as_str()),
            ("1970-01", "2000-02", "2000-03")
        );
        assert_eq!(previous("2026-01").as_deref(), Some("2025-12"));
        assert_eq!(previous("2026-11").as_deref(), Some("2026-10"));
        assert_eq!(previous("x"), None);
    }

    #[test]
    fn a_cost_is_memory_times_time() {
        let budget = Budget { cap: 0, memory_mb: 10_240 };
        assert_eq!(budget.cost(Duration::from_secs(900)), 9_000_000);
        assert_eq!(gb_seconds(9_000_000), 9000.0);
        assert_eq!(Budget { cap: 0, memory_mb: 128 }.cost(Duration::from_millis(7)), 0);
    }

    #[test]
    fn a_dead_attempt_never_costs_more_than_it_reserved() {
        assert_eq!(spent_until(Some(1000), Some(1024), 9000, 4000), 3000);
        assert_eq!(spent_until(Some(1000), Some(1024), 2000, 4000), 2000);
        assert_eq!(spent_until(Some(5000), Some(1024), 2000, 4000), 0);
        assert_eq!(spent_until(None, Some(1024), 2000, 4000), 2000);
    }

    #[test]
    fn only_temporary_errors_are_retried() {
        assert!(is_passing("TransactionConflict") && is_passing("ThrottlingError"));
        assert!(!is_passing("ValidationError") && !is_passing("None"));
        for ms in WAITS_MS {
            let wait = jittered(ms);
            assert!(wait >= Duration::from_micros(ms * 500) && wait <= Duration::from_millis(ms), "{wait:?}");
        }
    }
}

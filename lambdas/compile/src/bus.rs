//! Sends entries to the event bus, one at a time, and repeats each until the bus accepts it.

use std::time::{Duration, Instant};

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::error::ProvideErrorMetadata;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use thiserror::Error;
use tokio::time::timeout_at;
use tracing::warn;

use crate::storage::reason;

/// The `source` field of all entries.
const SOURCE: &str = "cargo-cloud";

/// The first wait before a refused entry is sent again. Each further wait is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// The longest wait before a refused entry is sent again.
const LONGEST_WAIT: Duration = Duration::from_secs(4);

/// The kind of an entry, sent as its detail-type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A frame of events that the relay stores and posts.
    Events,
    /// The order for a further attempt.
    Continue,
}

impl EntryKind {
    fn detail_type(self) -> &'static str {
        match self {
            EntryKind::Events => "events",
            EntryKind::Continue => "continue",
        }
    }
}

/// Why the bus did not accept an entry.
#[derive(Debug, Error)]
pub enum BusError {
    /// The bus refuses the entry for a permanent reason.
    #[error("the event bus refused the entry ({0})")]
    Refused(String),
    /// The bus did not accept the entry before the deadline.
    #[error("the event bus did not accept the entry in time ({0})")]
    OutOfTime(String),
}

/// A client of the EventBridge bus that events go to.
#[derive(Debug, Clone)]
pub struct Bus {
    client: Client,
    name: String,
}

impl Bus {
    /// Makes a client of the bus with this name.
    pub fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }

    /// Puts an entry on the bus. Temporary failures are retried until `until`.
    pub async fn put(&self, about: EntryKind, detail: &str, until: Instant) -> Result<(), BusError> {
        let mut wait = FIRST_WAIT;
        let mut told = "no answer".to_owned();
        loop {
            match timeout_at(until.into(), self.put_once(about, detail)).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(EntryRefusal { why, lasts: true })) => return Err(BusError::Refused(why)),
                Ok(Err(EntryRefusal { why, lasts: false })) => told = why,
                Err(_) => return Err(BusError::OutOfTime(told)),
            }
            if Instant::now() + wait >= until {
                return Err(BusError::OutOfTime(told));
            }
            warn!(why = told, "the event bus did not accept an entry; sending it again");
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    async fn put_once(&self, about: EntryKind, detail: &str) -> Result<(), EntryRefusal> {
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(&self.name)
            .source(SOURCE)
            .detail_type(about.detail_type())
            .detail(detail)
            .build();
        match self.client.put_events().entries(entry).send().await {
            Ok(answer) if answer.failed_entry_count() == 0 => Ok(()),
            Ok(answer) => {
                let entry = answer.entries().first();
                let code = entry.and_then(|entry| entry.error_code()).unwrap_or("no reason given");
                let said = entry.and_then(|entry| entry.error_message()).unwrap_or_default();
                Err(EntryRefusal { why: format!("{code}: {said}"), lasts: lasts(code) })
            }
            Err(error) => {
                let lasts = error.code().is_some_and(lasts);
                Err(EntryRefusal { why: reason(&error), lasts })
            }
        }
    }
}

/// Why one call failed, and whether the same call would always fail.
struct EntryRefusal {
    why: String,
    lasts: bool,
}

/// Whether an error code is permanent (docs.aws.amazon.com/eventbridge, PutEventsResultEntry). All others are
/// temporary.
fn lasts(code: &str) -> bool {
    let never =
        ["AccessDenied", "NotAuthorized", "Invalid", "Malformed", "Redaction", "ResourceNotFound", "Validation"];
    never.iter().any(|start| code.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_temporary_errors_are_retried() {
        for code in ["ThrottlingException", "InternalFailure", "InternalException", "no reason given"] {
            assert!(!lasts(code), "{code}");
        }
        for code in ["AccessDeniedException", "MalformedDetail", "InvalidArgument", "NotAuthorizedForSourceException"] {
            assert!(lasts(code), "{code}");
        }
    }
}

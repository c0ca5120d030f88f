//! Handles failed invocations of `compile`: settles their attempts and ends their builds.

use std::time::SystemTime;

use common::NextAttempt;
use common::logs::build_span;
use common::payload::Payload;
use common::table::AttemptOutcome;
use protocol::{Event, FailureRecord};
use serde_json::Value;
use tracing::Instrument;

use crate::Relay;
use crate::conclusion::EndError;

impl Relay {
    /// Ends the builds of a failed invocation, except those that it has ended itself or handed over.
    pub async fn died(&self, record: &FailureRecord<Value>, ended: SystemTime) -> Result<(), EndError> {
        let payload = match Payload::read(&record.request_payload) {
            Ok(payload) => payload,
            Err(error) => {
                tracing::error!(%error, "the failed invocation had no build to make");
                return Ok(());
            }
        };
        let of_sources = matches!(payload, Payload::Sources(_));
        let mut outcome = Ok(());
        for attempt in payload.attempts() {
            let span = build_span(&attempt.owner, &attempt.build);
            // An error with one build must not stop the handling of the next one.
            let died = async {
                if of_sources
                    && self.table.decide(&attempt.owner, &attempt.build, 0, AttemptOutcome::Died).await?
                        != AttemptOutcome::Died
                {
                    tracing::info!("the build was handed over to another invocation");
                    return Ok(());
                }
                self.attempt_died(record, &attempt, ended).await
            };
            outcome = outcome.and(died.instrument(span).await);
        }
        outcome
    }

    async fn attempt_died(
        &self,
        record: &FailureRecord<Value>,
        attempt: &NextAttempt,
        ended: SystemTime,
    ) -> Result<(), EndError> {
        let NextAttempt { owner, build, attempt: number, .. } = attempt;
        tracing::warn!(attempt = number, request = record.request_context.request_id, "an attempt died");
        self.table.settle_dead(owner, build, *number, ended).await?;
        if self.table.decide(owner, build, *number, AttemptOutcome::Died).await? == AttemptOutcome::HandedOver {
            tracing::info!(attempt = number, "the attempt had handed over to the next one");
            return Ok(());
        }
        let newest = self.table.newest_events(owner, build).await?;
        let last = newest.iter().map(Event::highest).max().unwrap_or(0);
        self.end(owner, record.result(build.clone(), begun(record, *number), last)).await
    }
}

/// How many attempts had begun when this one failed. Without a response, the function never ran the attempt.
fn begun(record: &FailureRecord<Value>, number: u32) -> u32 {
    if record.response_context.is_some() { number } else { number.saturating_sub(1) }
}

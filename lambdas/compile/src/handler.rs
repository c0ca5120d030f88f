//! Handles one invocation, attempt by attempt.

use anyhow::Result;
use common::NextAttempt;
use common::payload::Payload;
use lambda_runtime::LambdaEvent;
use serde_json::Value;
use tracing::{Instrument, error, info, warn};

use crate::clock::InvocationClock;
use crate::compiler::Compiler;

/// Runs the attempts that an invocation orders. An error means that a build has no result, or that its cost is not
/// recorded. Lambda then notifies the relay, which does both.
pub async fn handle(compiler: &Compiler, event: LambdaEvent<Value>) -> Result<()> {
    let clock = InvocationClock::until(event.context.deadline);
    let payload = match Payload::read(&event.payload) {
        Ok(payload) => payload,
        Err(why) => {
            // No client waits for it, and a repeated invocation could not read it either.
            warn!(%why, "ignored an event that this function doesn't know");
            return Ok(());
        }
    };
    let mut failed = Ok(());
    for (place, order) in orders(payload, &compiler.settings.input_bucket).into_iter().enumerate() {
        let span = common::logs::build_span(&order.owner, &order.build);
        let work = async {
            if place > 0 && !clock.has_half_left() {
                info!("too little time is left here; another invocation builds it");
                return compiler.hand_over(&order, &clock).await;
            }
            compiler.attempt(order, &clock, &event.context.request_id).await
        };
        // A failed attempt must not stop the other attempts of this invocation.
        if let Err(why) = work.instrument(span).await {
            error!("an attempt failed: {why:#}");
            failed = failed.and(Err(why));
        }
    }
    failed
}

/// The attempts that a payload orders. Sources in other buckets are left out.
fn orders(payload: Payload, bucket: &str) -> Vec<NextAttempt> {
    match payload {
        Payload::Next(next) => vec![next],
        Payload::Sources(sources) => sources
            .into_iter()
            .filter_map(|source| match source {
                Ok(upload) if upload.bucket == bucket => Some(NextAttempt::first(upload)),
                Ok(upload) => {
                    warn!(bucket = upload.bucket, "ignored an object that is not in the input bucket");
                    None
                }
                Err(why) => {
                    warn!(%why, "ignored a record that starts no build");
                    None
                }
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_sources_of_the_input_bucket_are_built() {
        let key = format!("me/{}.zip", protocol::BuildId::new(1, [0; 10]));
        let record = |bucket: &str, key: &str| json!({"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": bucket}, "object": {"key": key, "size": 1}}});
        let event =
            json!({"Records": [record("in", &key), record("out", &key), record("in", "x"), record("in", &key)]});
        let orders = orders(Payload::read(&event).unwrap(), "in");
        assert_eq!(orders.len(), 2);
    }
}

//! EventBridge: a bus takes events, its rules hand them to functions.

mod delivery;
mod pattern;
mod put;
mod rules;

use std::sync::Arc;
use std::time::SystemTime;

use serde_json::{Value, json};

pub use delivery::{Delivery, Disorder};
pub use put::{calls, put};
pub use rules::Rule;

use super::emulator::{Emulator, timestamp};
use super::functions::FunctionConfig;
use super::keys::random_uuid;

/// What Lambda's destinations call themselves (docs.aws.amazon.com/lambda, invocation-async-retain-records).
pub const LAMBDA_SOURCE: &str = "lambda";
/// And the record of a failure.
pub const FAILURE: &str = "Lambda Function Invocation Result - Failure";

/// An event, as targets get it.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The bus it was sent to.
    pub bus_arn: String,
    /// Envelope and detail.
    pub body: Value,
}

impl Event {
    fn new(emulator: &Emulator, bus_arn: &str, source: &str, kind: &str, resources: Value, detail: Value) -> Self {
        // To the second, as EventBridge has it.
        let time = timestamp(SystemTime::now());
        let body = json!({
            "version": "0",
            "id": random_uuid(),
            "detail-type": kind,
            "source": source,
            "account": emulator.platform.account,
            "time": format!("{}Z", &time[..19]),
            "region": emulator.platform.region,
            "resources": resources,
            "detail": detail,
        });
        Self { bus_arn: bus_arn.to_owned(), body }
    }

    /// The record of a failed invocation, sent to a bus.
    pub fn of_failure(emulator: &Emulator, function: &FunctionConfig, bus_arn: &str, record: &Value) -> Self {
        let resources = json!([bus_arn, format!("{}:$LATEST", function.arn)]);
        Self::new(emulator, bus_arn, LAMBDA_SOURCE, FAILURE, resources, record.clone())
    }
}

/// Hands an event to the targets of all rules that match.
pub fn publish(emulator: &Arc<Emulator>, event: Event) {
    let wiring = emulator.wiring();
    let matching: Vec<&Rule> = wiring.rules.iter().filter(|rule| rule.matches(&event)).collect();
    if matching.is_empty() {
        emulator.problems.add(format!(
            "an event that no rule takes: source {}, detail-type {}",
            event.body["source"], event.body["detail-type"]
        ));
    }
    for rule in matching {
        for target in &rule.targets {
            let Some(function) = wiring.function(target) else {
                emulator.problems.add(format!("the rule {} has a target that is no function: {target}", rule.arn));
                continue;
            };
            if emulator.may_invoke("events.amazonaws.com", &function.arn, &rule.arn) {
                delivery::deliver(emulator, &function.name, &event.body);
            }
        }
    }
}

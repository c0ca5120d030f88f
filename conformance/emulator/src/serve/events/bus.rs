//! The event buses: each event goes to the targets of all rules that match it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::serve::account::EmulatedAccount;
use crate::serve::applied::rules::Rule;
use crate::serve::delivery::DeliverySettings;
use crate::serve::functions::{FAILURE_DETAIL_TYPE, FailedEvent, Functions, LAMBDA_SOURCE};
use crate::serve::ids::random_uuid;
use crate::serve::timestamp::timestamp;

/// Shuffled events leave within this time of each other, which is more than EventBridge usually scatters them.
const SHUFFLE: Duration = Duration::from_millis(300);

/// An event that a caller sends to a bus.
#[derive(Debug, Clone, PartialEq)]
pub struct SentEvent<'a> {
    /// The ARN of the bus.
    pub bus_arn: &'a str,
    /// The source of the event: `cargo-cloud`.
    pub source: &'a str,
    /// The type of the event, which patterns match.
    pub detail_type: &'a str,
    /// The ARNs of what the event is about.
    pub resources: Value,
    /// The content, which is the sender's own.
    pub detail: Value,
}

/// All event buses of the account.
pub struct EventBus {
    account: Arc<EmulatedAccount>,
    functions: Arc<Functions>,
    delivery: Arc<DeliverySettings>,
}

impl EventBus {
    /// The buses of this account, which invoke these functions.
    pub fn new(account: Arc<EmulatedAccount>, functions: Arc<Functions>, delivery: Arc<DeliverySettings>) -> Self {
        Self { account, functions, delivery }
    }

    /// The account that the buses belong to.
    pub fn account(&self) -> &EmulatedAccount {
        &self.account
    }

    /// Hands an event to the targets of all rules that match, and returns its id. An event that no rule matches is a
    /// problem of the platform.
    pub fn publish(&self, sent: &SentEvent<'_>) -> String {
        let id = random_uuid();
        let event = self.envelope(&id, sent);
        let applied = self.account.applied();
        let matching: Vec<&Rule> = applied.rules.iter().filter(|rule| rule.matches(sent.bus_arn, &event)).collect();
        if matching.is_empty() {
            self.account.problems.add(format!(
                "no rule matches an event: source \"{}\", detail-type \"{}\"",
                sent.source, sent.detail_type
            ));
        }
        for rule in matching {
            for target in &rule.targets {
                let Some(function) = applied.function(target) else {
                    self.account
                        .problems
                        .add(format!("the rule {} has a target that is not a function: {target}", rule.arn));
                    continue;
                };
                if self.account.may_invoke("events.amazonaws.com", &function.arn, &rule.arn) {
                    self.deliver(&function.name, &event);
                }
            }
        }
        id
    }

    /// Publishes the record of an asynchronous invocation that failed.
    pub fn publish_failure(&self, failure: FailedEvent) {
        self.publish(&SentEvent {
            bus_arn: &failure.bus_arn,
            source: LAMBDA_SOURCE,
            detail_type: FAILURE_DETAIL_TYPE,
            resources: json!([failure.bus_arn, format!("{}:$LATEST", failure.function_arn)]),
            detail: failure.record,
        });
    }

    /// The event as targets receive it.
    fn envelope(&self, id: &str, sent: &SentEvent<'_>) -> Value {
        let time = timestamp(SystemTime::now());
        json!({
            "version": "0",
            "id": id,
            "detail-type": sent.detail_type,
            "source": sent.source,
            "account": self.account.platform.account,
            // EventBridge gives the time to the second.
            "time": format!("{}Z", &time[..19]),
            "region": self.account.platform.region,
            "resources": sent.resources,
            "detail": sent.detail,
        })
    }

    /// Hands an event to a function, with the disorder that the scenario asks for.
    fn deliver(&self, function: &str, event: &Value) {
        let disorder = self.delivery.get();
        let copies = if disorder.duplicate { 2 } else { 1 };
        for _ in 0..copies {
            let mut pause = Duration::from_millis(disorder.late_ms);
            if disorder.shuffle {
                pause += SHUFFLE.mul_f64(random_fraction());
            }
            let body = event.to_string();
            if pause.is_zero() {
                self.functions.enqueue(function, body.into());
                continue;
            }
            let (functions, function) = (self.functions.clone(), function.to_owned());
            tokio::spawn(async move {
                tokio::time::sleep(pause).await;
                functions.enqueue(&function, body.into());
            });
        }
    }
}

/// A random number from 0 to 1; 0 when the system gives no random numbers, so that nothing is shuffled.
fn random_fraction() -> f64 {
    let mut bytes = [0; 2];
    let _ = getrandom::fill(&mut bytes);
    f64::from(u16::from_le_bytes(bytes)) / f64::from(u16::MAX)
}

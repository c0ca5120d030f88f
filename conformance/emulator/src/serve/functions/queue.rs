//! Lambda's queue of asynchronous invocations: they wait for room, are retried when they fail, and end with a record.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::mpsc;

use super::invocation::{
    FAILURE_DETAIL_TYPE, FailedEvent, FunctionInvocation, GiveUp, GiveUpReason, InvocationOutcome, LAMBDA_SOURCE,
    failure_record,
};
use super::runner::Runner;
use crate::serve::account::EmulatedAccount;
use crate::serve::applied::functions::FunctionConfig;
use crate::serve::call::ActionCall;
use crate::serve::delivery::DeliverySettings;
use crate::serve::power::Power;

/// Between two tries. Lambda waits one minute, then two, which no scenario can wait for.
const RETRY_PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(2)];

/// The queue for all functions.
pub struct AsyncQueue {
    /// Runs the invocations in sandboxes.
    pub runner: Arc<Runner>,
    /// The account that the functions belong to.
    pub account: Arc<EmulatedAccount>,
    /// Nothing runs while the power is off.
    pub power: Arc<Power>,
    /// Whether each invocation is handed over twice.
    pub delivery: Arc<DeliverySettings>,
    /// Receives the records of failures that go to an event bus.
    pub failures: mpsc::UnboundedSender<FailedEvent>,
}

impl AsyncQueue {
    /// Adds an event for a function and returns at once.
    pub fn add(self: &Arc<Self>, function: &str, payload: Bytes) {
        let invocation = FunctionInvocation::new(payload);
        let copies = if self.delivery.get().again { 2 } else { 1 };
        for _ in 0..copies {
            let (queue, function, invocation) = (self.clone(), function.to_owned(), invocation.clone());
            tokio::spawn(async move { queue.work(&function, invocation).await });
        }
    }

    /// Runs an invocation until it succeeds or Lambda gives up.
    async fn work(self: &Arc<Self>, function: &str, invocation: FunctionInvocation) {
        let arrived = Instant::now();
        let mut runs = 0;
        loop {
            self.power.on().await;
            // Read again each time: the scenario may have changed it.
            let applied = self.account.applied();
            let Some(config) = applied.functions.get(function) else {
                self.account.problems.add(format!("an event for the function {function}, which does not exist"));
                return;
            };
            let Some(outcome) = self.run_in_turn(config, &invocation, arrived).await else {
                let why = GiveUp { reason: GiveUpReason::EventAgeExceeded, runs, last: None };
                return self.give_up(config, &invocation, &why);
            };
            runs += 1;
            if matches!(outcome, InvocationOutcome::Answered(_)) {
                return;
            }
            tracing::info!(function, id = invocation.id, ?outcome, "an invocation failed");
            // A failure during a power cut is reported when the power is back.
            self.power.on().await;
            let pause = RETRY_PAUSES[usize::try_from(runs - 1).unwrap_or(0).min(RETRY_PAUSES.len() - 1)];
            let reason = if runs > config.retries {
                GiveUpReason::RetriesExhausted
            } else if arrived.elapsed() + pause > config.event_age {
                GiveUpReason::EventAgeExceeded
            } else {
                tokio::time::sleep(pause).await;
                continue;
            };
            return self.give_up(config, &invocation, &GiveUp { reason, runs, last: Some(outcome) });
        }
    }

    /// Runs an invocation once there is room for it; `None` when it has waited for too long.
    async fn run_in_turn(
        &self,
        config: &FunctionConfig,
        invocation: &FunctionInvocation,
        arrived: Instant,
    ) -> Option<InvocationOutcome> {
        let Ok(pool) = self.runner.pool(config) else { return Some(self.runner.run(config, invocation).await) };
        loop {
            let left = config.event_age.checked_sub(arrived.elapsed())?;
            let permit = tokio::time::timeout(left, pool.permit()).await.ok()??;
            if self.power.is_on() {
                let outcome = self.runner.run_now(config, &pool, invocation).await;
                drop(permit);
                return Some(outcome);
            }
            drop(permit);
            self.power.on().await;
        }
    }

    fn give_up(self: &Arc<Self>, config: &FunctionConfig, invocation: &FunctionInvocation, why: &GiveUp) {
        let Some(destination) = &config.on_failure else {
            tracing::warn!(function = config.name, "an event is lost: it failed, and the function has no destination");
            return;
        };
        let record = failure_record(&config.arn, invocation, why);
        if let Err(why) = self.send_record(config, destination, record) {
            self.account.problems.add(format!("the failure of {} is lost: {why}", config.name));
        }
    }

    /// Sends the record of a failure to its destination. Lambda itself does this, with the function's role.
    fn send_record(self: &Arc<Self>, config: &FunctionConfig, destination: &str, record: Value) -> Result<(), String> {
        let applied = self.account.applied();
        let principal = applied.policies.session(&config.role_arn, &config.name).ok_or("its role does not exist")?;
        let service = destination.split(':').nth(2).unwrap_or_default();
        let mut context = self.account.request_context(false);
        let action = match service {
            "events" => {
                context.set("events:source", LAMBDA_SOURCE);
                context.set("events:detail-type", FAILURE_DETAIL_TYPE);
                "events:PutEvents"
            }
            "lambda" => "lambda:InvokeFunction",
            _ => return Err(format!("this emulator knows no destination like {destination}")),
        };
        let call = ActionCall { principal, action: action.to_owned(), resource: destination.to_owned(), context };
        self.account.authorize(&[call]).map_err(|refused| refused.message())?;
        if service == "events" {
            let (function_arn, bus_arn) = (config.arn.clone(), destination.to_owned());
            let sent = self.failures.send(FailedEvent { function_arn, bus_arn, record });
            return sent.map_err(|_| "the event bus has stopped".to_owned());
        }
        let target = applied.function(destination).ok_or_else(|| format!("{destination} does not exist"))?;
        self.add(&target.name, record.to_string().into());
        Ok(())
    }
}

//! Asynchronous invocations: they wait for room, are tried again when they fail, and end with a record.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::config::FunctionConfig;
use super::invocation::{Condition, Invocation, Outcome, failure_record};
use super::pool;
use crate::serve::call::Call;
use crate::serve::emulator::Emulator;
use crate::serve::events;

/// Between two tries. Lambda takes a minute, then two: no scenario waits so long.
const RETRY_PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(2)];

/// Sees an invocation through.
pub async fn work(emulator: &Arc<Emulator>, function: &str, invocation: Invocation) {
    let arrived = Instant::now();
    let mut runs = 0;
    loop {
        emulator.power.on().await;
        // Read again each time: the scenario may have changed it.
        let wiring = emulator.wiring();
        let Some(config) = wiring.functions.get(function) else {
            emulator.problems.add(format!("an event for the function {function}, which is not there"));
            return;
        };
        let outcome = match turn(emulator, config, &invocation, arrived).await {
            Some(outcome) => outcome,
            None => return give_up(emulator, config, &invocation, Condition::EventAgeExceeded, runs, None).await,
        };
        runs += 1;
        if matches!(outcome, Outcome::Answered(_)) {
            return;
        }
        tracing::info!(function, id = invocation.id, ?outcome, "an invocation failed");
        // What died with the power is reported when it is back.
        emulator.power.on().await;
        if runs > config.retries {
            return give_up(emulator, config, &invocation, Condition::RetriesExhausted, runs, Some(&outcome)).await;
        }
        let pause = RETRY_PAUSES[usize::try_from(runs - 1).unwrap_or(0).min(RETRY_PAUSES.len() - 1)];
        if arrived.elapsed() + pause > config.event_age {
            return give_up(emulator, config, &invocation, Condition::EventAgeExceeded, runs, Some(&outcome)).await;
        }
        tokio::time::sleep(pause).await;
    }
}

/// Runs it once there is room; `None` when it has waited for too long.
async fn turn(
    emulator: &Arc<Emulator>,
    config: &FunctionConfig,
    invocation: &Invocation,
    arrived: Instant,
) -> Option<Outcome> {
    let pool = match emulator.functions.pool(config) {
        Ok(pool) => pool,
        Err(_) => return Some(pool::run(emulator, config, invocation).await),
    };
    loop {
        let left = config.event_age.checked_sub(arrived.elapsed())?;
        let permit = tokio::time::timeout(left, pool.permit()).await.ok()??;
        if emulator.power.is_on() {
            let outcome = pool::run_now(emulator, config, &pool, invocation).await;
            drop(permit);
            return Some(outcome);
        }
        drop(permit);
        emulator.power.on().await;
    }
}

async fn give_up(
    emulator: &Arc<Emulator>,
    config: &FunctionConfig,
    invocation: &Invocation,
    condition: Condition,
    runs: u32,
    last: Option<&Outcome>,
) {
    let Some(destination) = &config.on_failure else {
        tracing::warn!(function = config.name, "an event is lost: it failed, and nobody is to hear of it");
        return;
    };
    let record = failure_record(&config.arn, invocation, condition, runs, last);
    if let Err(why) = deliver(emulator, config, destination, &record) {
        emulator.problems.add(format!("the failure of {} is lost: {why}", config.name));
    }
}

/// Lambda itself does this, with the function's role.
fn deliver(emulator: &Arc<Emulator>, config: &FunctionConfig, destination: &str, record: &Value) -> Result<(), String> {
    let wiring = emulator.wiring();
    let principal = wiring.policies.session(&config.role_arn, &config.name).ok_or("its role is not there")?;
    let service = destination.split(':').nth(2).unwrap_or_default();
    let mut context = emulator.request_context(false);
    let action = match service {
        "events" => {
            context.set("events:source", events::LAMBDA_SOURCE);
            context.set("events:detail-type", events::FAILURE);
            "events:PutEvents"
        }
        "lambda" => "lambda:InvokeFunction",
        _ => return Err(format!("this emulator knows no destination like {destination}")),
    };
    let call = Call { principal, action: action.to_owned(), resource: destination.to_owned(), context };
    emulator.authorize(&[call]).map_err(|refused| refused.message())?;
    match service {
        "events" => events::publish(emulator, events::Event::of_failure(emulator, config, destination, record)),
        _ => {
            let target = wiring.function(destination).ok_or_else(|| format!("{destination} is not there"))?;
            emulator.enqueue(&target.name, record.to_string().into());
        }
    }
    Ok(())
}

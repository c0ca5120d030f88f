//! The rules of the event buses and their targets.

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use super::event_pattern::EventPattern;
use crate::serve::moto::Moto;

/// A rule with its targets.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The ARN of the rule, which permissions name as the source.
    pub arn: String,
    /// The ARN of the bus that the rule watches.
    pub bus_arn: String,
    /// The pattern that an event has to match.
    pattern: EventPattern,
    /// The ARNs of the functions that receive the events.
    pub targets: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedBus {
    name: String,
    arn: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedRule {
    name: String,
    arn: String,
    event_pattern: Option<String>,
    state: String,
}

impl Rule {
    /// Reads the enabled rules of all buses back.
    pub async fn load_all(moto: &Moto) -> Result<Vec<Self>> {
        let mut rules = Vec::new();
        for bus in list::<ListedBus>(moto, "ListEventBuses", json!({}), "EventBuses").await? {
            let of_bus = json!({ "EventBusName": bus.name });
            for listed in list::<ListedRule>(moto, "ListRules", of_bus, "Rules").await? {
                if listed.state != "ENABLED" {
                    continue;
                }
                let name = &listed.name;
                let pattern = listed.event_pattern.as_deref();
                let pattern = pattern
                    .with_context(|| format!("the rule {name} has no pattern; the emulator knows no schedules"))?;
                let pattern =
                    EventPattern::parse(pattern).with_context(|| format!("the pattern of the rule {name}"))?;
                let of_rule = json!({ "Rule": name, "EventBusName": bus.name });
                let targets = list::<Value>(moto, "ListTargetsByRule", of_rule, "Targets").await?;
                let targets = targets.iter().map(|target| read_target(name, target)).collect::<Result<_>>()?;
                rules.push(Self { arn: listed.arn, bus_arn: bus.arn.clone(), pattern, targets });
            }
        }
        Ok(rules)
    }

    /// Whether the rule matches an event that was sent to this bus.
    pub fn matches(&self, bus_arn: &str, event: &Value) -> bool {
        self.bus_arn == bus_arn && self.pattern.matches(event)
    }
}

/// The ARN of the function that a target names. A target that changes the event, or that is no function, is an error.
fn read_target(rule: &str, target: &Value) -> Result<String> {
    const HARMLESS: [&str; 4] = ["Id", "Arn", "RetryPolicy", "DeadLetterConfig"];
    for (name, value) in target.as_object().context("a target is not an object")? {
        let is_empty = value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty);
        ensure!(
            HARMLESS.contains(&name.as_str()) || is_empty,
            "a target of the rule {rule} has `{name}`, which this emulator does not support"
        );
    }
    match target["Arn"].as_str() {
        Some(arn) if arn.split(':').nth(2) == Some("lambda") => Ok(arn.to_owned()),
        other => bail!("a target of the rule {rule} is not a function: {other:?}"),
    }
}

async fn list<T: for<'a> Deserialize<'a>>(
    moto: &Moto,
    action: &str,
    mut request: Value,
    field: &str,
) -> Result<Vec<T>> {
    let mut all = Vec::new();
    loop {
        let mut page = moto.json("events", &format!("AWSEvents.{action}"), &request).await?;
        let items: Vec<T> =
            serde_json::from_value(page[field].take()).with_context(|| format!("{action} returned no {field}"))?;
        all.extend(items);
        match page["NextToken"].take() {
            Value::Null => return Ok(all),
            token => request["NextToken"] = token,
        }
    }
}

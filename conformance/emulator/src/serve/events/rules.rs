//! The rules of the buses, read back.

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Event;
use super::pattern::Pattern;
use crate::serve::moto::Moto;

/// A rule with its targets.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its ARN: what permissions name as the source.
    pub arn: String,
    /// The ARN of its bus.
    pub bus_arn: String,
    /// What it matches.
    pattern: Pattern,
    /// ARNs.
    pub targets: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Bus {
    name: String,
    arn: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    name: String,
    arn: String,
    event_pattern: Option<String>,
    state: String,
}

impl Rule {
    /// Reads the enabled rules of all buses back.
    pub async fn load_all(moto: &Moto) -> Result<Vec<Self>> {
        let mut rules = Vec::new();
        for bus in list::<Bus>(moto, "ListEventBuses", json!({}), "EventBuses").await? {
            let of_bus = json!({ "EventBusName": bus.name });
            for listed in list::<Listed>(moto, "ListRules", of_bus, "Rules").await? {
                if listed.state != "ENABLED" {
                    continue;
                }
                let name = &listed.name;
                let pattern = listed.event_pattern.as_deref();
                let pattern =
                    pattern.with_context(|| format!("the rule {name} has no pattern: schedules aren't known here"))?;
                let pattern = Pattern::parse(pattern).with_context(|| format!("the pattern of the rule {name}"))?;
                let of_rule = json!({ "Rule": name, "EventBusName": bus.name });
                let targets = list::<Value>(moto, "ListTargetsByRule", of_rule, "Targets").await?;
                let targets = targets.iter().map(|target| read_target(name, target)).collect::<Result<_>>()?;
                rules.push(Self { arn: listed.arn, bus_arn: bus.arn.clone(), pattern, targets });
            }
        }
        Ok(rules)
    }

    /// Whether it takes an event.
    pub fn matches(&self, event: &Event) -> bool {
        self.bus_arn == event.bus_arn && self.pattern.matches(&event.body)
    }
}

/// The function a target names. What changes the event, or is no Lambda, is not known here, and never passed over.
fn read_target(rule: &str, target: &Value) -> Result<String> {
    const HARMLESS: [&str; 4] = ["Id", "Arn", "RetryPolicy", "DeadLetterConfig"];
    for (name, value) in target.as_object().context("a target is no object")? {
        let is_empty = value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty);
        ensure!(
            HARMLESS.contains(&name.as_str()) || is_empty,
            "a target of the rule {rule} has `{name}`: not known here"
        );
    }
    match target["Arn"].as_str() {
        Some(arn) if arn.split(':').nth(2) == Some("lambda") => Ok(arn.to_owned()),
        other => bail!("a target of the rule {rule} is no function: {other:?}"),
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
            serde_json::from_value(page[field].take()).with_context(|| format!("{action} gives no {field}"))?;
        all.extend(items);
        match page["NextToken"].take() {
            Value::Null => return Ok(all),
            token => request["NextToken"] = token,
        }
    }
}

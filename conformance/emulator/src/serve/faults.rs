//! Faults on request: a scenario makes the next call of an action, from a function, on a resource fail.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;

use super::call::ActionCall;
use super::iam::like;

/// A fault that a scenario asks for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InjectedFault {
    /// The function whose calls fail, with or without the prefix of the platform; without it, every caller's.
    function: Option<String>,
    /// The action, `s3:PutObject`, or a pattern of actions.
    action: String,
    /// A pattern of the resource's ARN.
    #[serde(default = "any")]
    resource: String,
    /// Patterns for the values of condition keys, by the names of the keys: `events:detail-type`.
    #[serde(default)]
    context: BTreeMap<String, String>,
    /// How many matching calls succeed first.
    #[serde(default)]
    skip: u32,
    /// How many matching calls fail then.
    #[serde(default = "one")]
    times: u32,
    /// Whether the call fails before or after it has its effect.
    #[serde(default)]
    phase: Phase,
    /// What happens to the call.
    #[serde(rename = "do")]
    effect: FaultEffect,
}

/// When a fault happens during a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The call has no effect.
    #[default]
    Before,
    /// The call has its effect, but the caller doesn't learn that.
    After,
}

/// What a fault does to a call.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultEffect {
    /// Kills everything in the function's sandbox, as when memory runs out; its /tmp stays.
    Kill(bool),
    /// Answers with an error of the service, given by its status.
    Status(u16),
    /// Answers with an error given by its name: `ProvisionedThroughputExceededException`.
    Error(String),
    /// Delays the answer by this many milliseconds.
    DelayMs(u64),
    /// PutEvents accepts the call and refuses all of its entries.
    FailEntries(bool),
    /// Breaks the connection without an answer.
    Reset(bool),
}

impl FaultEffect {
    /// How long the answer is delayed, if it is.
    pub fn delay(&self) -> Option<Duration> {
        match self {
            Self::DelayMs(time) => Some(Duration::from_millis(*time)),
            _ => None,
        }
    }
}

fn any() -> String {
    "*".to_owned()
}

fn one() -> u32 {
    1
}

/// The faults that the scenario asks for.
#[derive(Default)]
pub struct FaultPlan(Mutex<Vec<InjectedFault>>);

impl FaultPlan {
    /// Replaces all faults by these.
    pub fn set(&self, faults: Vec<InjectedFault>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = faults;
    }

    /// The fault that happens to these calls of one request now. Each fault counts the request once; the first one that
    /// is due happens.
    pub fn take(&self, calls: &[ActionCall], phase: Phase) -> Option<FaultEffect> {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut effect = None;
        for fault in faults.iter_mut().filter(|fault| fault.phase == phase && fault.times > 0) {
            if !calls.iter().any(|call| fault.covers(call)) {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
            } else if effect.is_none() {
                fault.times -= 1;
                effect = Some(fault.effect.clone());
            }
        }
        effect
    }
}

impl InjectedFault {
    fn covers(&self, call: &ActionCall) -> bool {
        let of_function = match (&self.function, call.principal.function()) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(wanted), Some(name)) => is_function(wanted, name),
        };
        let is_known = |(key, pattern): (&String, &String)| {
            call.context.get(key).is_some_and(|values| values.iter().any(|value| like(pattern, value)))
        };
        of_function
            && like(&self.action, &call.action)
            && like(&self.resource, &call.resource)
            && self.context.iter().all(is_known)
    }
}

/// Whether `wanted` names the function: in full, or without the platform's prefix (`compile`).
pub fn is_function(wanted: &str, name: &str) -> bool {
    name.strip_suffix(wanted).is_some_and(|prefix| prefix.is_empty() || prefix.ends_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::call::Principal;
    use crate::serve::iam::RequestContext;

    fn call(function: &str, action: &str, resource: &str) -> Vec<ActionCall> {
        let principal = Principal::Role {
            arn: String::new(),
            name: String::new(),
            session_arn: String::new(),
            id: String::new(),
            function: format!("cargo-cloud-{function}"),
        };
        vec![ActionCall {
            principal,
            action: action.to_owned(),
            resource: resource.to_owned(),
            context: RequestContext::new(),
        }]
    }

    #[test]
    fn a_fault_happens_to_the_calls_that_it_names() {
        let faults = FaultPlan::default();
        let text = r#"[{"function":"compile","action":"s3:PutObject","resource":"*/claim","skip":1,"times":2,"do":{"kill":true}},
            {"action":"dynamodb:*","phase":"after","do":{"error":"X"}}]"#;
        faults.set(serde_json::from_str(text).unwrap());
        let put = call("compile", "s3:PutObject", "arn:aws:s3:::b/me/1/claim");
        let found: Vec<_> = (0..4).map(|_| faults.take(&put, Phase::Before)).collect();
        assert_eq!(found, [None, Some(FaultEffect::Kill(true)), Some(FaultEffect::Kill(true)), None]);
        assert_eq!(faults.take(&put, Phase::After), None);
        let query = call("relay", "dynamodb:Query", "t");
        assert_eq!(faults.take(&query, Phase::Before), None);
        assert_eq!(faults.take(&query, Phase::After), Some(FaultEffect::Error("X".to_owned())));
    }

    #[test]
    fn a_fault_can_name_the_values_of_condition_keys() {
        let faults = FaultPlan::default();
        let text = r#"[{"action":"events:PutEvents","context":{"events:detail-type":"cont*"},"do":{"kill":true}}]"#;
        faults.set(serde_json::from_str(text).unwrap());
        let mut put = call("compile", "events:PutEvents", "bus");
        assert_eq!(faults.take(&put, Phase::Before), None);
        put[0].context.set("events:detail-type", "events");
        assert_eq!(faults.take(&put, Phase::Before), None);
        put[0].context.set("events:detail-type", "continue");
        assert_eq!(faults.take(&put, Phase::Before), Some(FaultEffect::Kill(true)));
    }

    #[test]
    fn other_calls_succeed() {
        let faults = FaultPlan::default();
        faults.set(
            serde_json::from_str(r#"[{"function":"compile","action":"s3:PutObject","do":{"status":503}}]"#).unwrap(),
        );
        for other in [
            call("recompile", "s3:PutObject", "x"),
            call("relay", "s3:PutObject", "x"),
            call("compile", "s3:GetObject", "x"),
        ] {
            assert_eq!(faults.take(&other, Phase::Before), None, "{other:?}");
        }
        assert!(is_function("cargo-cloud-compile", "cargo-cloud-compile") && is_function("compile", "x-compile"));
        assert!(
            !is_function("compile", "recompile") && serde_json::from_str::<InjectedFault>(r#"{"action":"a"}"#).is_err()
        );
    }
}

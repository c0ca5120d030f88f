//! What goes wrong on request: the next call of this action, from this function, on this resource.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;

use super::call::Call;
use super::iam::like;

/// Something that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The function that calls, with or without the prefix of the platform; anyone, when not given.
    function: Option<String>,
    /// `s3:PutObject`, or a pattern.
    action: String,
    /// A pattern of the resource's ARN.
    #[serde(default = "any")]
    resource: String,
    /// Patterns of what is known of the call, by the names of condition keys: `events:detail-type`.
    #[serde(default)]
    context: BTreeMap<String, String>,
    /// So many calls are let through before.
    #[serde(default)]
    skip: u32,
    /// So many calls it happens to.
    #[serde(default = "one")]
    times: u32,
    /// Before the call has an effect, or after.
    #[serde(default)]
    phase: Phase,
    /// What happens.
    #[serde(rename = "do")]
    deed: Deed,
}

/// When it goes wrong.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The call has no effect.
    #[default]
    Before,
    /// The call has its effect, only the caller does not learn of it.
    After,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// Everything that runs in the function's sandbox dies, as when memory runs out; what it had in /tmp stays.
    Kill(bool),
    /// This answer: an error of the service's, by its status.
    Status(u16),
    /// This answer: an error by its name, `ProvisionedThroughputExceededException`.
    Error(String),
    /// The answer is late.
    DelayMs(u64),
    /// PutEvents takes the call and refuses its entries.
    FailEntries(bool),
    /// The connection breaks.
    Reset(bool),
}

impl Deed {
    /// How long it delays.
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

/// All that is to go wrong.
#[derive(Default)]
pub struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    /// From now on these, and no others.
    pub fn set(&self, faults: Vec<Fault>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = faults;
    }

    /// What happens to this call now. Each fault counts the call once; the first that is due is taken.
    pub fn take(&self, calls: &[Call], phase: Phase) -> Option<Deed> {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut deed = None;
        for fault in faults.iter_mut().filter(|fault| fault.phase == phase && fault.times > 0) {
            if !calls.iter().any(|call| fault.is_about(call)) {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
            } else if deed.is_none() {
                fault.times -= 1;
                deed = Some(fault.deed.clone());
            }
        }
        deed
    }
}

impl Fault {
    fn is_about(&self, call: &Call) -> bool {
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
    use crate::serve::iam::Context;

    fn call(function: &str, action: &str, resource: &str) -> Vec<Call> {
        let principal = Principal::Role {
            arn: String::new(),
            name: String::new(),
            session_arn: String::new(),
            id: String::new(),
            function: format!("cargo-cloud-{function}"),
        };
        vec![Call { principal, action: action.to_owned(), resource: resource.to_owned(), context: Context::new() }]
    }

    #[test]
    fn a_fault_meets_the_calls_it_is_about() {
        let faults = Faults::default();
        let text = r#"[{"function":"compile","action":"s3:PutObject","resource":"*/claim","skip":1,"times":2,"do":{"kill":true}},
            {"action":"dynamodb:*","phase":"after","do":{"error":"X"}}]"#;
        faults.set(serde_json::from_str(text).unwrap());
        let put = call("compile", "s3:PutObject", "arn:aws:s3:::b/me/1/claim");
        let found: Vec<_> = (0..4).map(|_| faults.take(&put, Phase::Before)).collect();
        assert_eq!(found, [None, Some(Deed::Kill(true)), Some(Deed::Kill(true)), None]);
        assert_eq!(faults.take(&put, Phase::After), None);
        let query = call("relay", "dynamodb:Query", "t");
        assert_eq!(faults.take(&query, Phase::Before), None);
        assert_eq!(faults.take(&query, Phase::After), Some(Deed::Error("X".to_owned())));
    }

    #[test]
    fn a_fault_can_be_about_what_is_known_of_a_call() {
        let faults = Faults::default();
        let text = r#"[{"action":"events:PutEvents","context":{"events:detail-type":"cont*"},"do":{"kill":true}}]"#;
        faults.set(serde_json::from_str(text).unwrap());
        let mut put = call("compile", "events:PutEvents", "bus");
        assert_eq!(faults.take(&put, Phase::Before), None);
        put[0].context.set("events:detail-type", "events");
        assert_eq!(faults.take(&put, Phase::Before), None);
        put[0].context.set("events:detail-type", "continue");
        assert_eq!(faults.take(&put, Phase::Before), Some(Deed::Kill(true)));
    }

    #[test]
    fn others_are_left_alone() {
        let faults = Faults::default();
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
        assert!(!is_function("compile", "recompile") && serde_json::from_str::<Fault>(r#"{"action":"a"}"#).is_err());
    }
}

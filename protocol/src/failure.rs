//! The record Lambda writes of an invocation that failed, and the result it stands for. Its fields are those of
//! docs.aws.amazon.com/lambda, invocation-async-retain-records.

use serde::{Deserialize, Serialize};

use crate::{BuildId, BuildResult, Outcome};

/// An on-failure record. `P` is the payload of the invocation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailureRecord<P> {
    /// About the invocation.
    pub request_context: FailedInvocation,
    /// What the function was given.
    pub request_payload: P,
    /// How it ended; not there when it was never run.
    #[serde(default)]
    pub response_context: Option<ResponseContext>,
    /// What it, or Lambda in the place of it, answered; not there when it was never run.
    #[serde(default)]
    pub response_payload: Option<ResponsePayload>,
}

/// About the invocation that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailedInvocation {
    /// Lambda's id of the invocation.
    #[serde(default)]
    pub request_id: String,
    /// `RetriesExhausted`, `EventAgeExceeded`.
    #[serde(default)]
    pub condition: String,
}

/// How the invocation ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResponseContext {
    /// `Unhandled` and the like.
    #[serde(default)]
    pub function_error: Option<String>,
}

/// The error that was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResponsePayload {
    /// For example `Runtime.ExitError`; not there for a time-out.
    #[serde(default)]
    pub error_type: Option<String>,
    /// For people, and the only sign of a time-out.
    #[serde(default)]
    pub error_message: Option<String>,
}

impl<P> FailureRecord<P> {
    /// The result of a build whose builder died: `attempts` were begun, `last` is the highest number stored.
    pub fn result(&self, id: BuildId, attempts: u32, last: u64) -> BuildResult {
        let error = self.response_payload.as_ref();
        let said = error.and_then(|e| e.error_message.as_deref()).unwrap_or_default();
        let kind = error.and_then(|e| e.error_type.as_deref()).unwrap_or_default();
        let (outcome, message) = if self.request_context.condition == "EventAgeExceeded" {
            (
                Outcome::Refused,
                "the builder was busy for too long and never began this build; try again later".to_owned(),
            )
        } else if said.contains("Task timed out after") {
            (
                Outcome::TimedOut,
                format!(
                    "the builder was stopped at its time limit ({}); try again: it goes on from what is cached",
                    clip(said)
                ),
            )
        } else if said.contains("signal: killed") || kind == "Runtime.OutOfMemory" {
            (
                Outcome::Crashed,
                "the builder ran out of memory; try fewer jobs at once, `-j 2`, or a profile without lto".to_owned(),
            )
        } else {
            let kind = if kind.is_empty() { "unknown error" } else { kind };
            (Outcome::Crashed, format!("the builder died ({}: {}); its log tells more", clip(kind), clip(said)))
        };
        let mut result = BuildResult::new(id, outcome, last).with_message(message);
        result.complete = false;
        result.attempts = attempts;
        result
    }
}

/// What an error says can be long, and is not ours.
fn clip(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result_of(json: serde_json::Value) -> BuildResult {
        let record: FailureRecord<serde_json::Value> = serde_json::from_value(json).unwrap();
        record.result(BuildId::new(1, [0; 10]), 2, 9)
    }

    #[test]
    fn a_time_out_is_known_by_its_message_alone() {
        let result = result_of(serde_json::json!({
            "version": "1.0", "timestamp": "2026-01-01T00:00:00.000Z",
            "requestContext": {"requestId": "r", "functionArn": "f", "condition": "RetriesExhausted", "approximateInvokeCount": 1},
            "requestPayload": {}, "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
            "responsePayload": {"errorMessage": "2026-01-01T00:00:00.000Z r Task timed out after 900.01 seconds"}
        }));
        assert_eq!((result.outcome, result.complete, result.last, result.attempts), (Outcome::TimedOut, false, 9, 2));
    }

    #[test]
    fn out_of_memory_busy_and_the_rest_are_told_apart() {
        let record = |condition: &str, payload: serde_json::Value| {
            result_of(
                serde_json::json!({"requestContext": {"condition": condition}, "requestPayload": 1, "responsePayload": payload}),
            )
        };
        let killed = serde_json::json!({"errorType": "Runtime.ExitError", "errorMessage": "RequestId: r Error: Runtime exited with error: signal: killed"});
        assert!(record("RetriesExhausted", killed).message.unwrap().contains("memory"));
        assert_eq!(record("EventAgeExceeded", serde_json::Value::Null).outcome, Outcome::Refused);
        let odd = record("RetriesExhausted", serde_json::json!({"errorType": "X", "errorMessage": "y\u{1b}[31m"}));
        assert_eq!(odd.outcome, Outcome::Crashed);
        assert!(odd.message.unwrap().contains("X: y[31m"));
    }
}

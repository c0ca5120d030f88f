//! The record that Lambda writes for a failed invocation, and the build result made from it. The fields are those of
//! docs.aws.amazon.com/lambda, invocation-async-retain-records.

use serde::{Deserialize, Serialize};

use crate::{BuildId, BuildResult, Outcome, messages};

/// An on-failure record of Lambda. `P` is the type of the invocation's payload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailureRecord<P> {
    /// Which invocation failed, and on which condition.
    pub request_context: FailedInvocation,
    /// Payload that the function was invoked with.
    pub request_payload: P,
    /// How the function ended; missing if it never ran.
    #[serde(default)]
    pub response_context: Option<ResponseContext>,
    /// The answer of the function, or of Lambda on its behalf; missing if it never ran.
    #[serde(default)]
    pub response_payload: Option<ResponsePayload>,
}

/// Which invocation failed, and on which condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailedInvocation {
    /// Lambda's request id of the invocation.
    #[serde(default)]
    pub request_id: String,
    /// `RetriesExhausted` or, if Lambda was too busy to run it, `EventAgeExceeded`.
    #[serde(default)]
    pub condition: String,
}

/// How the function ended, if it ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResponseContext {
    /// Lambda's class of error, for example `Unhandled`.
    #[serde(default)]
    pub function_error: Option<String>,
}

/// The error that the function, or Lambda, answered with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResponsePayload {
    /// Type of the error, for example `Runtime.ExitError`; missing for a time-out.
    #[serde(default)]
    pub error_type: Option<String>,
    /// Text of the error; the only sign of a time-out.
    #[serde(default)]
    pub error_message: Option<String>,
}

impl<P> FailureRecord<P> {
    /// The result of a build whose builder died. `attempts` is the number of started attempts, `last` the highest event
    /// number that was stored.
    pub fn result(&self, id: BuildId, attempts: u32, last: u64) -> BuildResult {
        let error = self.response_payload.as_ref();
        let said = error.and_then(|e| e.error_message.as_deref()).unwrap_or_default();
        let kind = error.and_then(|e| e.error_type.as_deref()).unwrap_or_default();
        let (outcome, message) = if self.request_context.condition == "EventAgeExceeded" {
            (Outcome::Refused, messages::NEVER_STARTED.to_owned())
        } else if said.contains("Task timed out after") {
            (Outcome::TimedOut, messages::at_time_limit(&clip(said)))
        } else if said.contains("signal: killed") || kind == "Runtime.OutOfMemory" {
            (Outcome::Crashed, messages::OUT_OF_MEMORY.to_owned())
        } else {
            let kind = if kind.is_empty() { "unknown error" } else { kind };
            (Outcome::Crashed, messages::builder_died(&clip(kind), &clip(said)))
        };
        let result = BuildResult::new(id, outcome, last).with_message(message).incomplete();
        BuildResult { attempts, ..result }
    }
}

/// Shortens foreign text and removes control characters.
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

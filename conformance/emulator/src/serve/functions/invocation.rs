//! One invocation of a function, and how it ends.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde_json::{Value, json};

use crate::serve::ids::random_uuid;
use crate::serve::timestamp::timestamp;

/// One invocation of a function.
#[derive(Debug, Clone)]
pub struct FunctionInvocation {
    /// Lambda's request id, which stays the same when the invocation is retried.
    pub id: String,
    /// The event that the function receives.
    pub payload: Bytes,
}

impl FunctionInvocation {
    /// A new invocation with an id of its own.
    pub fn new(payload: Bytes) -> Self {
        Self { id: random_uuid(), payload }
    }
}

/// How an invocation of a function ended.
#[derive(Debug, Clone, PartialEq)]
pub enum InvocationOutcome {
    /// The handler returned this answer.
    Answered(Bytes),
    /// The error the handler, or the start of the runtime, reported.
    Failed(Value),
    /// Stopped at the time limit.
    TimedOut(Duration),
    /// The process ended: `signal: killed`, `exit status 1`.
    Exited(String),
}

impl InvocationOutcome {
    /// The error for records and answers, in Lambda's own words; `None` for a success.
    pub fn error(&self, request_id: &str) -> Option<Value> {
        match self {
            Self::Answered(_) => None,
            Self::Failed(error) => Some(error.clone()),
            Self::TimedOut(time) => {
                let now = timestamp(SystemTime::now());
                let text = format!("{now} {request_id} Task timed out after {:.2} seconds", time.as_secs_f64());
                Some(json!({ "errorMessage": text }))
            }
            Self::Exited(how) => {
                let text = format!("RequestId: {request_id} Error: Runtime exited with error: {how}");
                Some(json!({ "errorType": "Runtime.ExitError", "errorMessage": text }))
            }
        }
    }
}

/// The source of the events that Lambda's destinations send (docs.aws.amazon.com/lambda,
/// invocation-async-retain-records).
pub const LAMBDA_SOURCE: &str = "lambda";

/// The detail type of the record of a failure, in the same place.
pub const FAILURE_DETAIL_TYPE: &str = "Lambda Function Invocation Result - Failure";

/// The record of a failed asynchronous invocation, on its way to an event bus.
#[derive(Debug, Clone, PartialEq)]
pub struct FailedEvent {
    /// The ARN of the function that failed, without a version.
    pub function_arn: String,
    /// The ARN of the bus that is the function's failure destination.
    pub bus_arn: String,
    /// The record in the form that [`failure_record`] describes.
    pub record: Value,
}

/// How an asynchronous invocation was given up.
#[derive(Debug, Clone, PartialEq)]
pub struct GiveUp {
    /// Why Lambda gave up the invocation.
    pub reason: GiveUpReason,
    /// How often the function ran.
    pub runs: u32,
    /// How it ended the last time, if it ran at all.
    pub last: Option<InvocationOutcome>,
}

/// Why Lambda gave up an asynchronous invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GiveUpReason {
    /// It failed as often as it may.
    RetriesExhausted,
    /// It waited for too long.
    EventAgeExceeded,
}

/// The record of an asynchronous invocation that failed (docs.aws.amazon.com/lambda, invocation-async-retain-records).
pub fn failure_record(function_arn: &str, invocation: &FunctionInvocation, why: &GiveUp) -> Value {
    let mut record = json!({
        "version": "1.0",
        "timestamp": timestamp(SystemTime::now()),
        "requestContext": {
            "requestId": invocation.id,
            "functionArn": format!("{function_arn}:$LATEST"),
            "condition": match why.reason {
                GiveUpReason::RetriesExhausted => "RetriesExhausted",
                GiveUpReason::EventAgeExceeded => "EventAgeExceeded",
            },
            "approximateInvokeCount": why.runs,
        },
        "requestPayload": serde_json::from_slice::<Value>(&invocation.payload).unwrap_or_default(),
    });
    if let Some(error) = why.last.as_ref().and_then(|outcome| outcome.error(&invocation.id)) {
        record["responseContext"] =
            json!({ "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled" });
        record["responsePayload"] = error;
    }
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failure_records_have_lambdas_own_texts() {
        let invocation = FunctionInvocation { id: "r".to_owned(), payload: Bytes::from_static(b"{\"a\":1}") };
        let record = |outcome: InvocationOutcome| {
            failure_record(
                "f",
                &invocation,
                &GiveUp { reason: GiveUpReason::RetriesExhausted, runs: 1, last: Some(outcome) },
            )
        };
        let killed = record(InvocationOutcome::Exited("signal: killed".to_owned()));
        assert_eq!(killed["requestPayload"]["a"], 1);
        assert_eq!(killed["responsePayload"]["errorType"], "Runtime.ExitError");
        let text = "RequestId: r Error: Runtime exited with error: signal: killed";
        assert_eq!(killed["responsePayload"]["errorMessage"], text);
        let late = record(InvocationOutcome::TimedOut(Duration::from_millis(900_010)));
        assert!(
            late["responsePayload"]["errorMessage"].as_str().unwrap().ends_with("Task timed out after 900.01 seconds")
        );
        assert_eq!(late["responsePayload"].get("errorType"), None);
        let old =
            failure_record("f", &invocation, &GiveUp { reason: GiveUpReason::EventAgeExceeded, runs: 0, last: None });
        assert_eq!(
            (&old["requestContext"]["condition"], old.get("responsePayload")),
            (&json!("EventAgeExceeded"), None)
        );
    }
}

//! One run of a function, and how it ends.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde_json::{Value, json};

use crate::serve::emulator::timestamp;
use crate::serve::keys::random_uuid;

/// What a function is to work on.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// Lambda's id of it; the same when it is tried again.
    pub id: String,
    /// The event.
    pub payload: Bytes,
}

impl Invocation {
    /// A new one.
    pub fn new(payload: Bytes) -> Self {
        Self { id: random_uuid(), payload }
    }
}

/// How it ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// What the handler answered.
    Answered(Bytes),
    /// The error the handler, or the start of the runtime, reported.
    Failed(Value),
    /// Stopped at the time limit.
    TimedOut(Duration),
    /// The process ended: `signal: killed`, `exit status 1`.
    Exited(String),
}

impl Outcome {
    /// What stands for it in records and answers. The texts are Lambda's own.
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

/// Why an asynchronous invocation was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// It failed as often as it may.
    RetriesExhausted,
    /// It waited for too long.
    EventAgeExceeded,
}

/// The record of an asynchronous invocation that failed (docs.aws.amazon.com/lambda, invocation-async-retain-records).
pub fn failure_record(
    function_arn: &str,
    invocation: &Invocation,
    condition: Condition,
    runs: u32,
    last: Option<&Outcome>,
) -> Value {
    let mut record = json!({
        "version": "1.0",
        "timestamp": timestamp(SystemTime::now()),
        "requestContext": {
            "requestId": invocation.id,
            "functionArn": format!("{function_arn}:$LATEST"),
            "condition": match condition {
                Condition::RetriesExhausted => "RetriesExhausted",
                Condition::EventAgeExceeded => "EventAgeExceeded",
            },
            "approximateInvokeCount": runs,
        },
        "requestPayload": serde_json::from_slice::<Value>(&invocation.payload).unwrap_or_default(),
    });
    if let Some(error) = last.and_then(|outcome| outcome.error(&invocation.id)) {
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
    fn records_are_worded_as_lambda_words_them() {
        let invocation = Invocation { id: "r".to_owned(), payload: Bytes::from_static(b"{\"a\":1}") };
        let record =
            |outcome: &Outcome| failure_record("f", &invocation, Condition::RetriesExhausted, 1, Some(outcome));
        let killed = record(&Outcome::Exited("signal: killed".to_owned()));
        assert_eq!(killed["requestPayload"]["a"], 1);
        assert_eq!(killed["responsePayload"]["errorType"], "Runtime.ExitError");
        let text = "RequestId: r Error: Runtime exited with error: signal: killed";
        assert_eq!(killed["responsePayload"]["errorMessage"], text);
        let late = record(&Outcome::TimedOut(Duration::from_millis(900_010)));
        assert!(
            late["responsePayload"]["errorMessage"].as_str().unwrap().ends_with("Task timed out after 900.01 seconds")
        );
        assert_eq!(late["responsePayload"].get("errorType"), None);
        let old = failure_record("f", &invocation, Condition::EventAgeExceeded, 0, None);
        assert_eq!(
            (&old["requestContext"]["condition"], old.get("responsePayload")),
            (&json!("EventAgeExceeded"), None)
        );
    }
}

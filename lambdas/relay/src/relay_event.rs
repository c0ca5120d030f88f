//! Reads the events that invoke the relay, and tells them apart by their shape.

use std::time::SystemTime;

use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest;
use aws_lambda_events::eventbridge::EventBridgeEvent;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use common::NextAttempt;
use common::payload::{InvalidPayload, Payload};
use common::socket::{self, NoConnection};
use protocol::limits::MAX_MESSAGE_BYTES;
use protocol::{FailureRecord, Frame, Owner};
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

/// An event that the relay handles.
#[derive(Debug, PartialEq)]
pub(crate) enum RelayEvent {
    /// Events of a build arrived over the bus.
    Events { owner: Owner, frame: Frame },
    /// A follower sent a message over the route `resume`.
    Resume { connection: String, body: String },
    /// An attempt ran out of time and orders the next one, or an invocation had no time left for a first attempt.
    Continue(NextAttempt),
    /// An invocation of `compile` failed.
    InvocationFailed { record: FailureRecord<Value>, ended: SystemTime },
}

/// Why the relay can't read an event.
#[derive(Debug, Error)]
pub(crate) enum UnknownEvent {
    #[error("it is neither an event of the bus nor of the socket")]
    Shape,
    #[error("no events are expected with the source `{0}` and the type `{1}`")]
    Kind(String, String),
    #[error("the detail of a `{0}` can't be read: {1}")]
    Detail(String, serde_json::Error),
    #[error("the event of the socket can't be read: {0}")]
    Socket(serde_json::Error),
    #[error(transparent)]
    NoConnection(#[from] NoConnection),
    #[error("the route `{0}` is unknown")]
    Route(String),
    #[error("the events are not of exactly one build")]
    Builds,
    #[error("the events have {0} bytes, more than a message holds")]
    Size(usize),
    #[error("the order for the next attempt can't be read: {0}")]
    Payload(#[from] InvalidPayload),
}

/// The detail of a bus entry: a frame, with the owner of its build.
#[derive(Deserialize)]
struct OwnedFrame {
    owner: Owner,
    #[serde(flatten)]
    frame: Frame,
}

/// Reads the JSON that the function was invoked with.
pub(crate) fn read(event: Value) -> Result<RelayEvent, UnknownEvent> {
    if event.get("requestContext").is_some() {
        let request = ApiGatewayWebsocketProxyRequest::deserialize(event).map_err(UnknownEvent::Socket)?;
        return read_socket(request);
    }
    if event.get("detail-type").is_some() {
        let event = EventBridgeEvent::<Value>::deserialize(event).map_err(|_| UnknownEvent::Shape)?;
        return read_bus(event);
    }
    Err(UnknownEvent::Shape)
}

fn read_socket(request: ApiGatewayWebsocketProxyRequest) -> Result<RelayEvent, UnknownEvent> {
    let connection = socket::connection(&request)?.to_owned();
    match request.request_context.route_key.as_deref() {
        Some("resume") => Ok(RelayEvent::Resume { connection, body: request.body.unwrap_or_default() }),
        route => Err(UnknownEvent::Route(clip(route.unwrap_or_default()))),
    }
}

fn read_bus(event: EventBridgeEvent<Value>) -> Result<RelayEvent, UnknownEvent> {
    let unreadable = |error| UnknownEvent::Detail(clip(&event.detail_type), error);
    match (event.source.as_str(), event.detail_type.as_str()) {
        ("cargo-cloud", "events") => {
            let OwnedFrame { owner, frame } = OwnedFrame::deserialize(event.detail).map_err(unreadable)?;
            check(&frame)?;
            Ok(RelayEvent::Events { owner, frame })
        }
        ("cargo-cloud", "continue") => match Payload::read(&event.detail)? {
            Payload::Next(next) => Ok(RelayEvent::Continue(next)),
            Payload::Sources(_) => Err(InvalidPayload::Shape.into()),
        },
        ("lambda", "Lambda Function Invocation Result - Failure") => {
            let ended = timestamp(&event.detail).unwrap_or_else(SystemTime::now);
            let record = FailureRecord::deserialize(event.detail).map_err(unreadable)?;
            Ok(RelayEvent::InvocationFailed { record, ended })
        }
        (source, kind) => Err(UnknownEvent::Kind(clip(source), clip(kind))),
    }
}

fn check(frame: &Frame) -> Result<(), UnknownEvent> {
    let build = frame.events.first().map(|event| &event.build);
    if build.is_none() || frame.events.iter().any(|event| Some(&event.build) != build) {
        return Err(UnknownEvent::Builds);
    }
    match frame.encode().len() {
        size if size > MAX_MESSAGE_BYTES => Err(UnknownEvent::Size(size)),
        _ => Ok(()),
    }
}

/// The time at which Lambda wrote a failure record.
fn timestamp(record: &Value) -> Option<SystemTime> {
    let time = DateTime::from_str(record.get("timestamp")?.as_str()?, Format::DateTimeWithOffset).ok()?;
    time.try_into().ok()
}

fn clip(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const BUILD: &str = "01936f2e-5f6c-7abc-8def-0123456789ab";
    const OTHER: &str = "01936f2e-5f6c-7abc-8def-0123456789ac";

    fn bus(source: &str, kind: &str, detail: Value) -> Value {
        json!({"version": "0", "id": "i", "detail-type": kind, "source": source, "account": "111122223333",
            "time": "2026-01-01T00:00:00Z", "region": "eu-central-1", "resources": [], "detail": detail})
    }

    fn output(build: &str, seq: u64, text: &str) -> Value {
        json!({"v": 1, "build": build, "seq": seq, "at": 1, "kind": "output", "stream": "stdout", "text": text})
    }

    fn socket(route: &str, body: Value) -> Value {
        json!({"requestContext": {"routeKey": route, "eventType": "MESSAGE", "messageId": "m", "connectionId": "c=",
                "connectedAt": 1, "requestTimeEpoch": 1, "requestId": "r", "identity": {"sourceIp": "192.0.2.1"}},
            "body": body, "isBase64Encoded": false})
    }

    #[test]
    fn events_of_one_build_are_read() {
        let detail = json!({"v": 1, "owner": "me", "events": [output(BUILD, 1, "a"), output(BUILD, 2, "b")]});
        let RelayEvent::Events { owner, frame } = read(bus("cargo-cloud", "events", detail)).unwrap() else { panic!() };
        assert_eq!((owner.as_str(), frame.events.len()), ("me", 2));
        assert!(!frame.encode().contains("owner"), "what is posted is the plain frame");
    }

    #[test]
    fn a_failure_is_read_with_its_time() {
        let detail = json!({"version": "1.0", "timestamp": "2026-01-02T03:04:05.678Z",
            "requestContext": {"requestId": "r", "functionArn": "f", "condition": "RetriesExhausted",
                "approximateInvokeCount": 1},
            "requestPayload": {"Records": []}, "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
            "responsePayload": {"errorMessage": "killed"}});
        let event = bus("lambda", "Lambda Function Invocation Result - Failure", detail);
        let RelayEvent::InvocationFailed { record, ended } = read(event).unwrap() else { panic!() };
        assert_eq!(record.request_context.condition, "RetriesExhausted");
        let since = ended.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(since.as_millis(), 1_767_323_045_678);
    }

    #[test]
    fn a_continue_can_order_any_attempt() {
        let order = |attempt| {
            let detail = json!({"v": 1, "owner": "me", "build": BUILD, "attempt": attempt, "first_seq": 9});
            read(bus("cargo-cloud", "continue", detail))
        };
        assert!(matches!(order(2), Ok(RelayEvent::Continue(next)) if next.first_seq == 9));
        assert!(matches!(order(1), Ok(RelayEvent::Continue(next)) if next.attempt == 1));
        assert!(matches!(order(0), Err(UnknownEvent::Payload(_))));
    }

    #[test]
    fn a_resume_is_read_whatever_its_body_is() {
        for (body, text) in
            [(json!(r#"{"action":"resume","after":3}"#), r#"{"action":"resume","after":3}"#), (json!(null), "")]
        {
            let RelayEvent::Resume { connection, body } = read(socket("resume", body)).unwrap() else { panic!() };
            assert_eq!((connection.as_str(), body.as_str()), ("c=", text));
        }
    }

    #[test]
    fn unknown_and_invalid_events_are_refused() {
        let events = |events: Value| bus("cargo-cloud", "events", json!({"v": 1, "owner": "me", "events": events}));
        for event in [
            json!(null),
            json!([1]),
            json!({"Records": []}),
            json!({"detail-type": 5}),
            socket("$default", json!("x")),
            json!({"requestContext": {"routeKey": "resume"}}),
            bus("someone", "events", json!({})),
            bus("cargo-cloud", "continue", json!({"Records": []})),
            bus("cargo-cloud", "events", json!({"v": 1, "events": [output(BUILD, 1, "")]})),
            bus("cargo-cloud", "events", json!({"v": 1, "owner": "../me", "events": [output(BUILD, 1, "")]})),
            events(json!([])),
            events(json!([{"v": 1}])),
            events(json!([output(BUILD, 1, ""), output(OTHER, 2, "")])),
            events(json!([output(BUILD, 1, &"x".repeat(MAX_MESSAGE_BYTES))])),
            bus("lambda", "Lambda Function Invocation Result - Failure", json!({})),
        ] {
            assert!(read(event.clone()).is_err(), "{event}");
        }
    }
}

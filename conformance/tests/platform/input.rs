//! Invalid events: each has one clear outcome, and the next build is not affected.

use conformance::{RawClient, RawSocket, ScenarioBackend, ScenarioClient, ScenarioProject};
use protocol::{ClientMessage, Event, EventKind};
use serde_json::{Value, json};
use tungstenite::Message;

fn source(bucket: &str, key: &str) -> Value {
    json!({ "eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "awsRegion": "us-east-1",
        "s3": { "bucket": { "name": bucket }, "object": { "key": key, "size": 1, "eTag": "x" } } })
}

#[test]
fn malformed_events_do_not_disturb_later_builds() {
    let backend = ScenarioBackend::start();
    let control = backend.control();
    let id = "0192aaaa-0000-7000-8000-000000000000";
    let events = [
        ("compile", json!({ "Records": [] })),
        ("compile", json!({})),
        ("compile", json!({ "Records": [source("another-bucket", &format!("me/{id}.zip"))] })),
        ("compile", json!({ "Records": [source("x", "..%2F..%2Fetc%2Fpasswd")] })),
        ("compile", json!({ "Records": [source("x", "%zz+%")] })),
        ("relay", json!({})),
        ("relay", json!({ "detail-type": "events", "source": "cargo-cloud", "detail": { "v": 1 } })),
        (
            "relay",
            json!({ "detail-type": "events", "source": "cargo-cloud", "detail": { "v": 1, "owner": "me", "events": [
                { "v": 1, "build": id, "seq": 1, "at": 1, "kind": "output", "stream": "stderr", "text": "x".repeat(60_000) },
            ] } }),
        ),
        ("relay", json!({ "detail-type": "weather", "source": "cargo-cloud", "detail": {} })),
        ("relay", json!({ "detail-type": "continue", "source": "cargo-cloud", "detail": { "attempt": "one" } })),
        (
            "relay",
            json!({ "detail-type": "Lambda Function Invocation Result - Failure", "source": "lambda", "detail": { "requestPayload": 3 } }),
        ),
    ];
    for (function, payload) in events {
        // Lambda would retry an error, in vain.
        control.post("invoke", &json!({ "function": function, "payload": payload, "wait": true }));
    }
    let table = control.get("table");
    assert_eq!(table, json!([]), "an invalid event has changed the table");
    ScenarioClient::of(&backend).run(ScenarioProject::hello("after", "x").root(), &["build"]).succeeded();
    assert_eq!(control.get("problems"), json!([]));
}

#[test]
fn a_build_whose_source_was_deleted_before_it_was_read_is_cancelled() {
    let backend = ScenarioBackend::start();
    let raw = RawClient::new(backend.credentials("me"));
    let id = RawClient::new_id();
    backend.control().faults(json!([
        { "function": "compile", "action": "s3:PutObject", "resource": "*/claim", "do": { "delay_ms": 3000 } },
    ]));
    assert_eq!(raw.upload(&id, conformance::RawArchive::program().bytes(), &RawClient::metadata()).status, 200);
    assert_eq!(raw.input("DELETE", &format!("me/{id}.zip"), &[], vec![], true).status, 204);
    let result = raw.result(&id);
    assert_eq!(result.outcome, protocol::Outcome::Cancelled, "{:?}", result.message);
}

#[test]
fn invalid_frames_are_answered_and_do_no_harm() {
    let backend = ScenarioBackend::start();
    let raw = RawClient::new(backend.credentials("me"));
    let id = RawClient::new_id();
    assert_eq!(raw.upload(&id, conformance::RawArchive::program().bytes(), &RawClient::metadata()).status, 200);
    raw.result(&id);
    let mut socket = raw.socket("me", id.as_str()).expect("the socket opens");
    // API Gateway itself answers messages that match no route.
    for text in ["", "[", "{}", r#"{"action":"dance"}"#, r#"{"action":"$connect"}"#, r#"{"action":["resume"]}"#] {
        socket.send(Message::text(text));
        let answer = socket.text().expect("an answer");
        assert!(answer.contains("Forbidden"), "{text}: {answer}");
    }
    // The relay ignores messages that match the route but are no valid request.
    for after in ["", r#","after":-1"#, r#","after":1e99"#, r#","after":"0""#] {
        socket.send(Message::text(format!(r#"{{"action":"resume"{after}}}"#)));
    }
    // The connection determines the build; a message can't change it.
    let other = RawClient::new_id();
    socket.send(Message::text(format!(r#"{{"action":"resume","after":0,"owner":"other","build":"{other}"}}"#)));
    let first = socket.frame().expect("an answer").events;
    assert!(first.iter().all(|event| event.build == id) && first[0].seq == Some(1), "{first:?}");
    until_caught_up(&mut socket, first);
    // After the last event only `caught_up` follows.
    socket.send(Message::text(ClientMessage::Resume { after: u64::MAX }.encode()));
    let beyond = until_caught_up(&mut socket, Vec::new());
    assert!(beyond.iter().all(|event| event.seq.is_none()), "{beyond:?}");
    assert!(beyond.iter().any(|event| matches!(event.kind, EventKind::Finished(_))), "{beyond:?}");
    // A message that is longer than a frame ends the connection and nothing else.
    socket.send(Message::text("x".repeat(33 * 1024)));
    assert_eq!(socket.closed(), Some(1009));
    let mut again = raw.socket("me", id.as_str()).expect("the socket opens");
    again.send(Message::text(ClientMessage::Resume { after: 0 }.encode()));
    assert_eq!(again.frame().expect("an answer").events[0].seq, Some(1));
}

#[test]
fn a_client_that_asks_too_often_is_throttled_alone() {
    let backend = ScenarioBackend::start();
    let (me, other) = (RawClient::new(backend.credentials("me")), RawClient::new(backend.credentials("other")));
    let id = RawClient::new_id();
    let mut socket = me.socket("me", id.as_str()).expect("the socket opens");
    // More requests than the stage allows at once; it answers those that it refuses.
    for _ in 0..400 {
        socket.send(Message::text(r#"{"action":"resume"}"#));
    }
    let said = socket.text().expect("an answer");
    assert!(said.contains("Too Many Requests"), "{said}");
    drop(socket);
    let quiet = RawClient::new_id();
    assert_eq!(other.upload(&quiet, conformance::RawArchive::program().bytes(), &RawClient::metadata()).status, 200);
    assert_eq!(other.result(&quiet).outcome, protocol::Outcome::Succeeded);
}

/// Reads the events of an answer until its end.
fn until_caught_up(socket: &mut RawSocket, mut events: Vec<Event>) -> Vec<Event> {
    while !matches!(events.last(), Some(Event { kind: EventKind::CaughtUp { .. }, .. })) {
        events.extend(socket.frame().expect("the rest of the answer").events);
    }
    events
}

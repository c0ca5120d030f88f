//! Events that make no sense: one clear outcome each, and the next build is as if nothing had been.

use conformance::{Backend, Client, Project, Raw};
use serde_json::{Value, json};
use tungstenite::Message;

fn source(bucket: &str, key: &str) -> Value {
    json!({ "eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "awsRegion": "us-east-1",
        "s3": { "bucket": { "name": bucket }, "object": { "key": key, "size": 1, "eTag": "x" } } })
}

#[test]
fn malformed_events_stop_nothing() {
    let backend = Backend::start();
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
        ("relay", json!({ "detail-type": "weather", "source": "cargo-cloud", "detail": {} })),
        ("relay", json!({ "detail-type": "continue", "source": "cargo-cloud", "detail": { "attempt": "one" } })),
        (
            "relay",
            json!({ "detail-type": "Lambda Function Invocation Result - Failure", "source": "lambda", "detail": { "requestPayload": 3 } }),
        ),
    ];
    for (function, payload) in events {
        // An error would be tried again, to no end.
        control.post("invoke", &json!({ "function": function, "payload": payload, "wait": true }));
    }
    Client::of(&backend).run(Project::hello("after", "x").root(), &["build"]).succeeded();
    assert_eq!(control.get("problems"), json!([]));
}

#[test]
fn a_source_that_is_gone_before_it_is_read_is_a_cancelled_build() {
    let backend = Backend::start();
    let raw = Raw::new(backend.credentials("me"));
    let id = Raw::new_id();
    backend.control().faults(json!([
        { "function": "compile", "action": "s3:PutObject", "resource": "*/claim", "do": { "delay_ms": 1500 } },
    ]));
    assert_eq!(raw.upload(&id, conformance::Archive::program().bytes(), &Raw::metadata()).status, 200);
    assert_eq!(raw.input("DELETE", &format!("me/{id}.zip"), &[], vec![], true).status, 204);
    let result = raw.result(&id);
    assert_eq!(result.outcome, protocol::Outcome::Cancelled, "{:?}", result.message);
}

#[test]
fn frames_that_are_none_get_an_answer_and_do_no_harm() {
    let backend = Backend::start();
    let raw = Raw::new(backend.credentials("me"));
    let id = Raw::new_id();
    assert_eq!(raw.upload(&id, conformance::Archive::program().bytes(), &Raw::metadata()).status, 200);
    raw.result(&id);
    let mut socket = raw.socket("me", id.as_str()).expect("the socket opens");
    for text in [
        "",
        "[",
        "{}",
        r#"{"action":"dance"}"#,
        r#"{"action":"resume"}"#,
        r#"{"action":"resume","after":-1}"#,
        r#"{"action":"resume","after":1e99}"#,
        r#"{"action":"resume","after":0,"build":"another"}"#,
    ] {
        socket.send(Message::text(text));
    }
    let mut again = raw.socket("me", id.as_str()).expect("the socket opens");
    again.send(Message::text(protocol::ClientMessage::Resume { after: 0 }.encode()));
    assert_eq!(again.frame().expect("an answer").events[0].seq, Some(1));
}

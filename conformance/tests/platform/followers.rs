//! Followers that disappear without `$disconnect`, which AWS invokes only on a best-effort basis.

use std::time::Duration;

use conformance::{Control, RawArchive, RawClient, ScenarioBackend, ScenarioClient, ScenarioProject, until};
use protocol::{ClientMessage, Outcome};
use serde_json::{Value, json};
use tungstenite::Message;

use crate::account::DeployedAccount;

/// Longer than a connection may take to open.
const LONG: Duration = Duration::from_secs(60);

/// The rows from a connection to its build.
fn ways_back(control: &Control) -> Vec<Value> {
    rows(control, "pk")
}

/// The rows from a build to its followers.
fn followers(control: &Control) -> Vec<Value> {
    rows(control, "sk")
}

fn rows(control: &Control, key: &str) -> Vec<Value> {
    let table = control.get("table");
    let rows = table.as_array().expect("rows").iter();
    rows.filter(|row| row[key].as_str().is_some_and(|key| key.starts_with("conn#"))).cloned().collect()
}

fn resume() -> Message {
    Message::text(ClientMessage::Resume { after: 0 }.encode())
}

#[test]
fn a_follower_that_is_gone_is_forgotten_with_the_next_event_unless_it_is_still_connecting() {
    let backend = ScenarioBackend::start();
    let (control, raw) = (backend.control(), RawClient::new(backend.credentials("me")));
    let id = RawClient::new_id();
    let sockets = [(); 2].map(|()| raw.socket("me", id.as_str()).expect("the socket opens"));
    control.post("drop-connections", &json!({ "untold": true }));
    drop(sockets);
    let [old, young] = &followers(&control)[..] else { panic!("{:?}", followers(&control)) };
    assert_eq!(ways_back(&control).len(), 2);
    DeployedAccount::of(&control).set_age(old, LONG);
    assert_eq!(raw.upload(&id, RawArchive::program().bytes(), &RawClient::metadata()).status, 200);
    assert_eq!(raw.result(&id).outcome, Outcome::Succeeded);
    until(
        || format!("not forgotten: {:?} {:?}", followers(&control), ways_back(&control)),
        || followers(&control).len() == 1 && ways_back(&control).len() == 1,
    );
    assert_eq!(followers(&control)[0]["sk"], young["sk"]);
    assert_eq!(ways_back(&control)[0]["pk"], young["sk"]);
}

#[test]
fn a_follower_that_is_gone_before_its_answer_is_forgotten() {
    let backend = ScenarioBackend::start();
    let (control, raw) = (backend.control(), RawClient::new(backend.credentials("me")));
    let id = RawClient::new_id();
    assert_eq!(raw.upload(&id, RawArchive::program().bytes(), &RawClient::metadata()).status, 200);
    assert_eq!(raw.result(&id).outcome, Outcome::Succeeded);
    let mut socket = raw.socket("me", id.as_str()).expect("the socket opens");
    control.faults(json!([
        { "function": "relay", "action": "execute-api:ManageConnections", "do": { "status": 410 } },
    ]));
    socket.send(resume());
    until(
        || format!("not forgotten: {:?} {:?}", followers(&control), ways_back(&control)),
        || followers(&control).is_empty() && ways_back(&control).is_empty(),
    );
    // A new connection is answered.
    let mut again = raw.socket("me", id.as_str()).expect("the socket opens");
    again.send(resume());
    assert_eq!(again.frame().expect("an answer").events[0].seq, Some(1));
}

#[test]
fn a_client_that_was_forgotten_reconnects() {
    let backend = ScenarioBackend::start();
    let control = backend.control();
    // The first post is the answer to `resume`, because the build has not started yet.
    control.faults(json!([
        { "function": "compile", "action": "s3:PutObject", "resource": "*/claim", "do": { "delay_ms": 15000 } },
        { "function": "relay", "action": "execute-api:ManageConnections", "do": { "status": 410 } },
    ]));
    // Longer than a client waits without a sign of life.
    let script =
        "fn main() { std::thread::sleep(std::time::Duration::from_secs(30)); println!(\"cargo::warning=late\"); }\n";
    let project = ScenarioProject::hello("patient", "patient").file("build.rs", script);
    let client = ScenarioClient::of(&backend);
    let mut running = client.spawn(project.root(), &["build"]);
    running.until("Compiling patient");
    assert_eq!(ways_back(&control).len(), 1);
    let run = running.end().succeeded();
    assert_eq!(run.stderr.matches("late").count(), 1, "{}", run.stderr);
    assert_eq!(client.output_of("patient"), "patient\n");
    let calls = control.get("calls");
    let connected =
        calls.as_array().expect("calls").iter().filter(|call| call["action"] == "execute-api:Invoke").count();
    assert_eq!(connected, 2, "{}", run.stderr);
}

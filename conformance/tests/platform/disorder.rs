//! The bus delivers events twice, late and in any order, services refuse calls for a while, and connections break. The
//! person still sees one build, complete and in order.

use std::time::Duration;

use conformance::{RawArchive, RawClient, Run, ScenarioBackend, ScenarioClient, ScenarioProject};
use protocol::{BuildResult, Outcome};
use serde_json::{Value, json};

/// A project whose build prints a hundred lines in several portions.
fn talkative() -> ScenarioProject {
    ScenarioProject::hello("talkative", "done").file(
        "build.rs",
        "fn main() {\n    for n in 0..100 {\n        println!(\"cargo::warning=line {n:03}\");\n    }\n}\n",
    )
}

#[track_caller]
fn whole(run: Run) {
    let run = run.succeeded();
    let lines: Vec<&str> = run.stderr.lines().filter(|line| line.contains(": line ")).collect();
    let numbers: Vec<&str> = lines.iter().filter_map(|line| line.rsplit(' ').next()).collect();
    let expected: Vec<String> = (0..100).map(|n| format!("{n:03}")).collect();
    assert_eq!(numbers, expected, "{}", run.stderr);
    assert_eq!(run.stderr.matches("Finished `release`").count(), 1, "{}", run.stderr);
}

#[track_caller]
fn survives(faults: Value) {
    let backend = ScenarioBackend::start();
    backend.control().faults(faults);
    let client = ScenarioClient::of(&backend);
    whole(client.run(talkative().root(), &["build"]));
    assert_eq!(client.output_of("talkative"), "done\n");
    // The lines came over the socket, not from the log.
    let result = backend.output("/result.json").expect("a result");
    let result: BuildResult = serde_json::from_slice(&result).expect("JSON");
    assert!(result.complete && result.message.is_none(), "{result:?}");
}

#[test]
fn events_that_arrive_twice_late_and_in_any_order_give_one_build() {
    let backend = ScenarioBackend::start();
    backend.control().post("delivery", &json!({ "shuffle": true, "duplicate": true, "late_ms": 300 }));
    whole(ScenarioClient::of(&backend).run(talkative().root(), &["build"]));
}

#[test]
fn a_bus_that_refuses_entries_for_a_while_loses_nothing() {
    survives(
        json!([{ "function": "compile", "action": "events:PutEvents", "times": 3, "do": { "fail_entries": true } }]),
    );
}

#[test]
fn a_bus_that_does_not_answer_for_a_while_loses_nothing() {
    survives(json!([{ "function": "compile", "action": "events:PutEvents", "times": 3, "do": { "status": 503 } }]));
}

#[test]
fn the_log_has_everything_that_the_bus_refuses_for_good() {
    let backend = ScenarioBackend::start();
    backend.control().faults(json!([
        { "function": "compile", "action": "events:PutEvents", "skip": 3, "times": 1000, "do": { "error": "AccessDeniedException" } },
    ]));
    let client = ScenarioClient::of(&backend);
    let run = client.run(talkative().root(), &["build"]).says(&["warning: some of the build's output"]);
    whole(run.never_says("error"));
    assert_eq!(client.output_of("talkative"), "done\n");
    let result = backend.output("/result.json").expect("a result");
    let result: BuildResult = serde_json::from_slice(&result).expect("JSON");
    assert!(!result.complete && result.outcome == Outcome::Succeeded, "{result:?}");
    assert!(result.message.is_some_and(|said| said.contains("its log has all of it")));
}

#[test]
fn an_invocation_that_arrives_twice_runs_once() {
    let backend = ScenarioBackend::start();
    let (control, raw) = (backend.control(), RawClient::new(backend.credentials("me")));
    control.post("delivery", &json!({ "again": true }));
    let id = RawClient::new_id();
    assert_eq!(raw.upload(&id, RawArchive::program().bytes(), &RawClient::metadata()).status, 200);
    assert_eq!(raw.result(&id).outcome, Outcome::Succeeded);
    crate::usage::assert_settled(&control);
    let calls = control.get("calls");
    let written = |end: &str| {
        let is = |call: &&Value| {
            call["action"] == "s3:PutObject" && call["resource"].as_str().is_some_and(|key| key.ends_with(end))
        };
        calls.as_array().expect("calls").iter().filter(is).count()
    };
    assert_eq!((written("/claim"), written("/artifact.zip"), written("/result.json")), (2, 1, 1));
}

#[test]
fn a_throttled_table_loses_nothing() {
    survives(json!([
        { "function": "relay", "action": "dynamodb:*", "times": 6, "do": { "error": "ProvisionedThroughputExceededException" } },
        { "function": "connect", "action": "dynamodb:*", "times": 2, "do": { "error": "ThrottlingException" } },
        { "function": "compile", "action": "dynamodb:*", "times": 2, "do": { "error": "ProvisionedThroughputExceededException" } },
    ]));
}

#[test]
fn without_followers_in_the_table_the_client_reads_the_bucket() {
    let refused = |function: &str| json!({ "function": function, "action": "dynamodb:*", "times": 10_000, "do": { "error": "AccessDeniedException" } });
    survives(["connect", "disconnect", "relay"].map(refused).into_iter().collect());
}

#[test]
fn posts_that_are_throttled_or_fail_lose_nothing() {
    for status in [429, 500] {
        let action = "execute-api:ManageConnections";
        survives(json!([{ "function": "relay", "action": action, "times": 4, "do": { "status": status } }]));
    }
}

#[test]
fn events_that_were_posted_before_the_connection_was_open_are_asked_for_again() {
    // For API Gateway a connection does not exist until `$connect` has answered.
    survives(
        json!([{ "function": "relay", "action": "execute-api:ManageConnections", "skip": 1, "do": { "status": 410 } }]),
    );
}

#[test]
fn a_client_whose_connection_breaks_during_a_build_reconnects() {
    let backend = ScenarioBackend::start();
    let project = talkative();
    project.write("src/main.rs", "fn main() { println!(\"done\"); }\n");
    let client = ScenarioClient::of(&backend);
    let mut running = client.spawn(project.root(), &["build"]);
    running.until("Compiling talkative");
    backend.control().post("drop-connections", &json!({}));
    whole(running.end());
}

#[test]
fn storage_that_fails_for_a_while_is_tried_again() {
    survives(json!([
        { "function": "compile", "action": "s3:GetObject", "times": 2, "do": { "status": 503 } },
        { "function": "compile", "action": "s3:PutObject", "times": 2, "phase": "after", "do": { "reset": true } },
    ]));
}

#[test]
fn storage_that_hangs_is_tried_again() {
    let backend = ScenarioBackend::start();
    // Longer than the client waits.
    backend.control().faults(json!([
        { "function": "compile", "action": "s3:GetObject", "resource": "*.zip", "do": { "delay_ms": 170_000 } },
    ]));
    let client = ScenarioClient::of(&backend);
    let run = client.run(talkative().root(), &["build"]);
    assert!(run.time < Duration::from_secs(120), "{:?}", run.time);
    whole(run);
}

//! The builder dies, and whoever waits for the build learns how it ended.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use conformance::{Backend, Client, Options, Project, Run};
use serde_json::{Value, json};

use crate::usage;

/// A build whose builder is killed at this call.
fn killed_at(fault: Value) -> (Backend, Client, Project, Run) {
    let backend = Backend::start();
    let control = backend.control();
    let mut faults = fault;
    faults["function"] = json!("compile");
    faults["do"] = json!({ "kill": true });
    control.faults(json!([faults]));
    let (client, project) = (Client::of(&backend), Project::hello("mortal", "still here"));
    let run = client.run(project.root(), &["build"]);
    usage::assert_settled(&control);
    (backend, client, project, run)
}

/// The next build is none the worse for it.
fn recovers(client: &Client, project: &Project) {
    client.run(project.root(), &["build", "--force"]).succeeded();
    assert_eq!(client.output_of("mortal"), "still here\n");
}

#[test]
fn before_the_claim() {
    let (backend, client, project, run) = killed_at(json!({ "action": "s3:PutObject", "resource": "*/claim" }));
    run.exited(101).says(&["the builder"]);
    assert_eq!(backend.output("/artifact.zip"), None);
    recovers(&client, &project);
}

#[test]
fn in_the_build() {
    let (_backend, client, project, run) = killed_at(json!({ "action": "events:PutEvents", "skip": 2 }));
    run.exited(101).says(&["the builder"]);
    recovers(&client, &project);
}

#[test]
fn between_artifact_and_result() {
    let at = json!({ "action": "s3:PutObject", "resource": "*/artifact.zip", "phase": "after" });
    let (backend, client, project, run) = killed_at(at);
    run.exited(101).says(&["the builder"]);
    assert!(backend.output("/artifact.zip").is_some());
    recovers(&client, &project);
}

#[test]
fn between_result_and_its_event_the_result_counts() {
    let at = json!({ "action": "s3:PutObject", "resource": "*/result.json", "phase": "after" });
    let (_backend, client, _project, run) = killed_at(at);
    run.succeeded();
    assert_eq!(client.output_of("mortal"), "still here\n");
}

#[test]
fn at_the_time_limit() {
    let backend = Backend::with(Options { attempt_limit: Some(Duration::from_secs(10)), ..Options::default() });
    let control = backend.control();
    control.faults(json!([
        { "function": "compile", "action": "s3:GetObject", "resource": "*.zip", "do": { "delay_ms": 60_000 } },
    ]));
    let (client, project) = (Client::of(&backend), Project::hello("mortal", "still here"));
    client.run(project.root(), &["build"]).exited(101).says(&["time limit"]);
    usage::assert_settled(&control);
    recovers(&client, &project);
}

#[test]
fn while_it_saves_the_cache_nothing_is_lost_but_time() {
    let (backend, client, project, run) = killed_at(json!({ "action": "s3:PutObject", "resource": "*-cache-*" }));
    run.succeeded();
    backend.control().cold();
    recovers(&client, &project);
}

#[test]
fn wherever_it_happens_there_is_an_end_and_the_next_build_works() {
    let backend = Backend::start();
    let control = backend.control();
    let (client, project) = (Client::of(&backend), Project::hello("mortal", "still here"));
    let mut seed = u64::from(SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").subsec_nanos());
    for round in 0..6 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // A build makes some twenty calls.
        let skip = (seed >> 33) % 20;
        let phase = if seed & 1 << 20 == 0 { "before" } else { "after" };
        let what =
            json!({ "function": "compile", "action": "*", "skip": skip, "phase": phase, "do": { "kill": true } });
        control.faults(json!([what]));
        project.write("src/main.rs", format!("fn main() {{ println!(\"{round}\"); }}\n"));
        let run = client.run(project.root(), &["build"]);
        match run.code {
            Some(0) => assert_eq!(client.output_of("mortal"), format!("{round}\n"), "{what}"),
            Some(101) => assert!(run.stderr.contains("the builder"), "{what}: {}", run.stderr),
            code => panic!("{what}: {code:?} {}", run.stderr),
        }
        control.faults(json!([]));
        usage::assert_settled(&control);
    }
    project.write("src/main.rs", "fn main() { println!(\"whole\"); }\n");
    client.run(project.root(), &["build"]).succeeded();
    assert_eq!(client.output_of("mortal"), "whole\n");
}

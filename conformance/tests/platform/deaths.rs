//! The builder dies, and the client still learns how the build ended.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use conformance::{Run, ScenarioBackend, ScenarioClient, ScenarioOptions, ScenarioProject, library, program, until};
use serde_json::{Value, json};

use crate::usage;

/// Runs a build whose builder is killed at a call.
fn killed_at(fault: Value) -> (ScenarioBackend, ScenarioClient, ScenarioProject, Run) {
    let backend = ScenarioBackend::start();
    let control = backend.control();
    let mut faults = fault;
    faults["function"] = json!("compile");
    faults["do"] = json!({ "kill": true });
    control.faults(json!([faults]));
    let (client, project) = (ScenarioClient::of(&backend), ScenarioProject::hello("mortal", "still here"));
    let run = client.run(project.root(), &["build"]);
    usage::assert_settled(&control);
    (backend, client, project, run)
}

/// Asserts that the next build succeeds.
fn recovers(client: &ScenarioClient, project: &ScenarioProject) {
    client.run(project.root(), &["build", "--force"]).succeeded();
    assert_eq!(client.output_of("mortal"), "still here\n");
}

#[test]
fn a_build_ends_when_its_builder_dies_before_the_claim() {
    let (backend, client, project, run) = killed_at(json!({ "action": "s3:PutObject", "resource": "*/claim" }));
    run.exited(101).says(&["the builder"]);
    assert_eq!(backend.output("/artifact.zip"), None);
    recovers(&client, &project);
}

#[test]
fn a_build_ends_when_its_builder_dies_while_compiling() {
    let (_backend, client, project, run) = killed_at(json!({ "action": "events:PutEvents", "skip": 2 }));
    run.exited(101).says(&["the builder"]);
    recovers(&client, &project);
}

#[test]
fn a_build_ends_when_its_builder_dies_between_artifact_and_result() {
    let at = json!({ "action": "s3:PutObject", "resource": "*/artifact.zip", "phase": "after" });
    let (backend, client, project, run) = killed_at(at);
    run.exited(101).says(&["the builder"]);
    assert!(backend.output("/artifact.zip").is_some());
    recovers(&client, &project);
}

#[test]
fn a_result_counts_even_if_the_builder_dies_before_its_event() {
    let at = json!({ "action": "s3:PutObject", "resource": "*/result.json", "phase": "after" });
    let (_backend, client, _project, run) = killed_at(at);
    run.succeeded();
    assert_eq!(client.output_of("mortal"), "still here\n");
}

#[test]
fn a_build_ends_when_its_builder_is_stopped_at_the_time_limit() {
    let backend = ScenarioBackend::with(ScenarioOptions {
        attempt_limit: Some(Duration::from_secs(10)),
        ..ScenarioOptions::default()
    });
    let control = backend.control();
    control.faults(json!([
        { "function": "compile", "action": "s3:GetObject", "resource": "*.zip", "do": { "delay_ms": 60_000 } },
    ]));
    let (client, project) = (ScenarioClient::of(&backend), ScenarioProject::hello("mortal", "still here"));
    client.run(project.root(), &["build"]).exited(101).says(&["time limit"]);
    usage::assert_settled(&control);
    recovers(&client, &project);
}

#[test]
fn a_builder_that_dies_while_saving_the_cache_costs_only_time() {
    let (backend, client, project, run) = killed_at(json!({ "action": "s3:PutObject", "resource": "*-cache-*" }));
    run.succeeded();
    backend.control().cold();
    recovers(&client, &project);
}

#[test]
fn a_failure_record_that_arrives_twice_is_settled_once() {
    let backend = ScenarioBackend::start();
    let control = backend.control();
    control.post("delivery", &json!({ "duplicate": true }));
    control.faults(json!([
        { "function": "compile", "action": "events:PutEvents", "skip": 2, "do": { "kill": true } },
    ]));
    let client = ScenarioClient::of(&backend);
    client.run(ScenarioProject::hello("mortal", "x").root(), &["build"]).exited(101).says(&["the builder"]);
    usage::assert_settled(&control);
    // Both records were handled, and nothing was counted twice.
    let settles = || {
        let calls = control.get("calls");
        let of_relay = |call: &&Value| {
            call["principal"].as_str().is_some_and(|name| name.ends_with("-relay")) && call["action"] == "s3:PutObject"
        };
        calls.as_array().expect("calls").iter().filter(of_relay).count()
    };
    until(|| "the second record has had no effect".to_owned(), || settles() == 2);
    usage::assert_settled(&control);
    let (_, attempts) = usage::rows(&control);
    assert_eq!(attempts.len(), 1, "{attempts:?}");
}

#[test]
fn files_of_a_dead_builder_in_tmp_are_reused_and_never_mistaken_for_others() {
    let backend = ScenarioBackend::start();
    let control = backend.control();
    let client = ScenarioClient::of(&backend);
    let base = |text: &str| format!("pub const TEXT: &str = \"{text}\";\n");
    let project = ScenarioProject::new()
        .file("Cargo.toml", program("app") + "[dependencies]\nbase = { path = \"base\" }\n")
        .file("src/main.rs", "fn main() { println!(\"{}\", base::TEXT); }\n")
        .file("base/Cargo.toml", library("base"))
        .file("base/src/lib.rs", base("one"));
    client.run(project.root(), &["build"]).succeeded();
    usage::assert_settled(&control);

    // The builder dies after the changed library is compiled and before the program is.
    project.write("base/src/lib.rs", base("two"));
    let script = "fn main() { std::thread::sleep(std::time::Duration::from_secs(600)); }\n";
    project.write("build.rs", script);
    let mut running = client.spawn(project.root(), &["build"]);
    running.until("Compiling base").until("Compiling app");
    until(|| "the library was not compiled".to_owned(), || is_compiled(&control));
    control.faults(json!([{ "function": "compile", "action": "s3:GetObject", "do": { "kill": true } }]));
    running.end().exited(101).says(&["the builder"]);

    // The first content again: with its old time, cargo would take the newer library for fresh.
    project.write("base/src/lib.rs", base("one"));
    project.remove("build.rs");
    let run = client.run(project.root(), &["build", "--force"]).succeeded();
    assert_eq!(client.output_of("app"), "one\n");
    // The builder that died has left nothing else: the cache in the bucket has the library as it is now.
    assert_eq!(run.compiled(), ["base", "app"], "{}", run.stderr);
    usage::assert_settled(&control);
    let sandboxes = control.get("sandboxes");
    let compile = |sandbox: &&Value| sandbox["function"].as_str().is_some_and(|name| name.ends_with("-compile"));
    assert_eq!(sandboxes.as_array().expect("sandboxes").iter().filter(compile).count(), 1, "{sandboxes}");
}

/// Whether only the build script is running.
fn is_compiled(control: &conformance::Control) -> bool {
    let processes = control.get("processes");
    let commands: Vec<&str> =
        processes.as_array().expect("processes").iter().filter_map(|process| process["command"].as_str()).collect();
    commands.iter().any(|command| command.contains("build-script-build"))
        && !commands.iter().any(|command| command.contains("--crate-name base"))
}

#[test]
fn a_build_gets_a_result_wherever_the_builder_dies_and_the_next_build_works() {
    let backend = ScenarioBackend::start();
    let control = backend.control();
    let (client, project) = (ScenarioClient::of(&backend), ScenarioProject::hello("mortal", "still here"));
    let mut seed = u64::from(SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").subsec_nanos());
    for round in 0..6 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // A build makes about twenty calls.
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

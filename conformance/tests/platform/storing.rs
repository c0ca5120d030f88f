//! The objects that a build stores: in a fixed order, once each, and never incomplete without saying so.

use conformance::{Control, ScenarioBackend, ScenarioClient, ScenarioProject};
use protocol::{BuildResult, Outcome};
use serde_json::{Value, json};

use crate::usage;

/// The last parts of the keys that `compile` has stored so far, in their order, each once.
fn stored(control: &Control) -> Vec<String> {
    let calls = control.get("calls");
    let by_compile = |call: &&Value| {
        let principal = call["principal"].as_str().unwrap_or_default();
        principal.ends_with("-compile") && call["action"] == "s3:PutObject"
    };
    let mut names: Vec<String> = Vec::new();
    for call in calls.as_array().expect("calls").iter().filter(by_compile) {
        let name = call["resource"].as_str().and_then(|key| key.rsplit('/').next()).expect("a key").to_owned();
        if names.last() != Some(&name) {
            names.push(name);
        }
    }
    names
}

fn result_of(backend: &ScenarioBackend) -> BuildResult {
    serde_json::from_slice(&backend.output("/result.json").expect("a result")).expect("JSON")
}

#[test]
fn a_build_stores_claim_artifact_log_result_and_cache_in_this_order() {
    let backend = ScenarioBackend::start();
    let control = backend.control();
    let client = ScenarioClient::of(&backend);
    // Saving the cache takes long, and the client doesn't wait for it.
    control.faults(json!([
        { "function": "compile", "action": "s3:PutObject", "resource": "*-cache-*", "do": { "delay_ms": 8000 } },
    ]));
    let run = client.run(ScenarioProject::hello("orderly", "here").root(), &["build"]).succeeded();
    assert_eq!(client.output_of("orderly"), "here\n");
    assert_eq!(control.objects("cache"), [""; 0], "the client has waited for the cache: {:?}", run.time);
    usage::assert_settled(&control);
    assert_eq!(stored(&control), ["claim", "artifact.zip", "log.jsonl", "result.json", "project.tar.zst"]);
}

#[test]
fn a_build_that_fails_leaves_the_same_in_the_same_order() {
    let backend = ScenarioBackend::start();
    let control = backend.control();
    let project = ScenarioProject::hello("faulty", "x").file("src/main.rs", "fn main() { nothing }\n");
    ScenarioClient::of(&backend).run(project.root(), &["build"]).exited(101).says(&["cannot find value"]);
    usage::assert_settled(&control);
    // The artifact contains only the lock file that cargo made.
    assert_eq!(stored(&control)[..4], ["claim", "artifact.zip", "log.jsonl", "result.json"]);
}

#[test]
fn a_build_whose_log_cannot_be_stored_succeeds_and_says_so() {
    let backend = ScenarioBackend::start();
    backend.control().faults(json!([
        { "function": "compile", "action": "s3:PutObject", "resource": "*/log.jsonl", "times": 1000,
          "do": { "error": "AccessDenied" } },
    ]));
    let client = ScenarioClient::of(&backend);
    client
        .run(ScenarioProject::hello("mute", "here").root(), &["build"])
        .succeeded()
        .says(&["log could not be stored"]);
    assert_eq!(client.output_of("mute"), "here\n");
}

#[test]
fn a_build_whose_artifact_cannot_be_stored_fails() {
    let backend = ScenarioBackend::start();
    backend.control().faults(json!([
        { "function": "compile", "action": "s3:PutObject", "resource": "*/artifact.zip", "times": 1000,
          "do": { "error": "AccessDenied" } },
    ]));
    let client = ScenarioClient::of(&backend);
    let run = client.run(ScenarioProject::hello("lost", "x").root(), &["build"]).exited(101);
    run.says(&["what was built could not be stored", "AccessDenied", "build again"]);
    assert!(backend.output("/log.jsonl").is_some());
    assert_eq!(result_of(&backend).outcome, Outcome::Crashed);
}

#[test]
fn the_relay_writes_a_result_that_compile_cannot_store() {
    let backend = ScenarioBackend::start();
    let control = backend.control();
    control.faults(json!([
        { "function": "compile", "action": "s3:PutObject", "resource": "*/result.json", "times": 1000,
          "do": { "error": "AccessDenied" } },
    ]));
    let client = ScenarioClient::of(&backend);
    client.run(ScenarioProject::hello("speechless", "x").root(), &["build"]).exited(101).says(&["the builder died"]);
    let result = result_of(&backend);
    assert!(result.outcome == Outcome::Crashed && !result.complete, "{result:?}");
    usage::assert_settled(&control);
}

#[test]
fn writers_that_conflict_try_again() {
    let backend = ScenarioBackend::start();
    let conflict = |end: &str| {
        json!({ "function": "compile", "action": "s3:PutObject", "resource": format!("*/{end}"), "times": 3,
            "do": { "status": 409 } })
    };
    let ends = ["claim", "artifact.zip", "log.jsonl", "result.json"];
    backend.control().faults(ends.map(conflict).into_iter().collect());
    let client = ScenarioClient::of(&backend);
    client.run(ScenarioProject::hello("patient", "here").root(), &["build"]).succeeded();
    assert_eq!(client.output_of("patient"), "here\n");
    assert!(result_of(&backend).complete);
}

/// Larger than one part of an artifact (16 MiB) and several ranges of a source (8 MiB), and incompressible.
fn large() -> ScenarioProject {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut noise = Vec::with_capacity(20 << 20);
    while noise.len() < 20 << 20 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        noise.extend_from_slice(&(state ^ (state >> 29)).to_be_bytes());
    }
    let main = "static NOISE: &[u8] = include_bytes!(\"noise\");\n\
                fn main() { println!(\"{}\", NOISE.iter().fold(0u64, |sum, byte| sum * 31 % 1_000_003 + u64::from(*byte))); }\n";
    ScenarioProject::hello("large", "x").file("src/main.rs", main).file("src/noise", noise)
}

#[test]
fn large_objects_are_uploaded_in_parts_that_are_tried_again() {
    let project = large();
    let bytes = std::fs::read(project.path("src/noise")).expect("the noise");
    let sum = bytes.iter().fold(0_u64, |sum, byte| sum * 31 % 1_000_003 + u64::from(*byte));
    // An artifact takes four calls: one starts the upload, two send its parts, the last completes it.
    let artifact = |skip: u32, phase: &str, deed: Value| {
        json!({ "function": "compile", "action": "s3:PutObject", "resource": "*/artifact.zip", "skip": skip,
            "phase": phase, "do": deed })
    };
    let range = json!({ "function": "compile", "action": "s3:GetObject", "resource": "*.zip", "skip": 1, "times": 2,
        "do": { "reset": true } });
    for faults in [
        // A repeated last call finds that the first one has succeeded.
        json!([artifact(3, "after", json!({ "status": 412 })), range]),
        // A part is sent again; then another writer wins.
        json!([artifact(1, "before", json!({ "status": 503 })), artifact(4, "before", json!({ "status": 409 }))]),
    ] {
        let backend = ScenarioBackend::start();
        let control = backend.control();
        control.faults(faults.clone());
        let client = ScenarioClient::of(&backend);
        client.run(project.root(), &["build"]).succeeded();
        assert_eq!(client.output_of("large"), format!("{sum}\n"), "{faults}");
        let calls = control.get("calls");
        let of = |end: &str| {
            let is = |call: &&Value| call["resource"].as_str().is_some_and(|resource| resource.ends_with(end));
            calls.as_array().expect("calls").iter().filter(is).count()
        };
        assert!(of("/artifact.zip") >= 4, "not in parts");
    }
}

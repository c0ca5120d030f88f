//! Several builds at once.

use std::time::Duration;

use conformance::{ScenarioBackend, ScenarioClient, ScenarioOptions, ScenarioProject};

fn slow(name: &str) -> ScenarioProject {
    ScenarioProject::hello(name, name).file(
        "build.rs",
        "fn main() { println!(\"cargo::rerun-if-changed=src\"); std::thread::sleep(std::time::Duration::from_secs(2)); }\n",
    )
}

#[test]
fn two_builds_of_one_project_take_turns() {
    let backend = ScenarioBackend::with(ScenarioOptions { jobs: Some(2), ..ScenarioOptions::default() });
    let client = ScenarioClient::of(&backend);
    let project = slow("shared");
    let mut first = client.spawn(project.root(), &["build"]);
    first.until("Compiling shared");
    let second = client.spawn(project.root(), &["build"]);
    let (first, second) = (first.end().succeeded(), second.end().succeeded());
    assert_eq!(first.compiled(), ["shared"]);
    if backend.is_one_machine() {
        assert_eq!(second.compiled(), [""; 0], "the second build reuses the results of the first");
        second.says(&["Waiting"]);
    }
    assert_eq!(client.output_of("shared"), "shared\n");
}

#[test]
fn a_client_in_the_queue_sees_its_position() {
    let backend = ScenarioBackend::with(ScenarioOptions { jobs: Some(1), ..ScenarioOptions::default() });
    let client = ScenarioClient::of(&backend);
    let projects = [slow("one"), slow("two"), slow("three")];
    let mut running: Vec<_> = Vec::new();
    for project in &projects {
        let mut run = client.spawn(project.root(), &["build"]);
        run.until(if running.is_empty() { "Compiling" } else { crate::queued(&backend) });
        running.push(run);
    }
    let runs: Vec<_> = running.into_iter().map(|run| run.end().succeeded()).collect();
    assert!(runs[2].time > Duration::from_secs(3), "{}", runs[2].stderr);
    if backend.is_one_machine() {
        assert!(runs[2].stderr.contains("2"), "{}", runs[2].stderr);
    }
    for name in ["one", "two", "three"] {
        assert_eq!(client.output_of(name), format!("{name}\n"));
    }
}

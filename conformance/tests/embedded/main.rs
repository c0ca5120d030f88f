//! Promises that only the embedded backend makes, because a person starts and stops it.

mod android_setup;
mod service;
mod side_by_side;
mod targets;
mod tls;

use std::time::Duration;

use conformance::{ScenarioBackend, ScenarioClient, ScenarioOptions, ScenarioProject};

#[test]
fn ctrl_c_stops_the_backend_with_its_builds() {
    let mut backend = ScenarioBackend::embedded(ScenarioOptions::default());
    let client = ScenarioClient::of(&backend);
    let project = ScenarioProject::hello("slow", "slow")
        .file("build.rs", "fn main() { std::thread::sleep(std::time::Duration::from_secs(600)); }\n");
    let mut running = client.spawn(project.root(), &["build"]);
    running.until("Compiling slow");
    let (code, took) = backend.stop();
    assert_eq!(code, Some(0), "{}", backend.said());
    assert!(took < Duration::from_secs(10), "{took:?}");
    backend.assert_idle(Duration::from_secs(1));
    backend.restart();
    running.end().exited(130).says(&["stopped"]);
}

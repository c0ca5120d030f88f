//! Broken networks.

use std::time::Duration;

use conformance::{Cut, Proxy, ScenarioBackend, ScenarioClient, ScenarioProject};

/// A program whose build prints many numbered lines, with pauses.
fn talkative() -> ScenarioProject {
    ScenarioProject::hello("talkative", "done").file(
        "build.rs",
        "fn main() {\n    for n in 0..200 {\n        println!(\"cargo::warning=line {n:03}\");\n    }\n}\n",
    )
}

fn through(backend: &ScenarioBackend, proxy: &Proxy) -> ScenarioClient {
    let (from, to) = (format!(":{}", backend.port()), format!(":{}", proxy.port()));
    ScenarioClient::configured(backend.config_with(&format!("proxy{to}"), &[(&from, &to)]))
}

#[track_caller]
fn all_lines_once(stderr: &str) {
    let lines: Vec<&str> = stderr.lines().filter_map(|line| line.split("line ").nth(1)).collect();
    let expected: Vec<String> = (0..200).map(|n| format!("{n:03}")).collect();
    assert_eq!(lines, expected, "{stderr}");
}

#[test]
fn a_socket_that_breaks_anywhere_loses_no_line() {
    let backend = ScenarioBackend::start();
    // Cuts from the middle of the handshake to the end of the stream.
    for after in [1, 60, 129, 200, 350, 700, 1500, 4000, 9000] {
        let proxy = Proxy::before(backend.port(), Cut::Socket { after, times: 3 });
        let client = through(&backend, &proxy);
        let run = client.run(talkative().root(), &["build"]).succeeded();
        all_lines_once(&run.stderr);
        assert_eq!(client.output_of("talkative"), "done\n");
        assert!(proxy.cuts() > 0, "cut after {after}");
    }
}

#[test]
fn a_build_ends_correctly_without_any_socket() {
    let backend = ScenarioBackend::start();
    let proxy = Proxy::before(backend.port(), Cut::NoSocket);
    let client = through(&backend, &proxy);
    let run = client.run(talkative().root(), &["build"]).succeeded();
    all_lines_once(&run.stderr);
    assert_eq!(client.output_of("talkative"), "done\n");
    let broken = ScenarioProject::hello("broken", "x").file("src/main.rs", "fn main() { nonsense }\n");
    client.run(broken.root(), &["build"]).exited(101).says(&["cannot find value `nonsense`"]);
}

#[test]
fn a_broken_download_continues_where_it_stopped() {
    let backend = ScenarioBackend::start();
    let proxy = Proxy::before(backend.port(), Cut::Download { after: 50_000, times: 2 });
    let client = through(&backend, &proxy);
    client.run(ScenarioProject::hello("fetched", "whole").root(), &["build"]).succeeded();
    assert_eq!(proxy.cuts(), 2);
    assert_eq!(client.output_of("fetched"), "whole\n");
}

#[test]
fn the_client_waits_for_a_network_that_is_down_for_a_while() {
    let backend = ScenarioBackend::start();
    let proxy = Proxy::before(backend.port(), Cut::Socket { after: 2000, times: 1 });
    let client = through(&backend, &proxy);
    let project = talkative();
    let mut running = client.spawn(project.root(), &["build"]);
    running.until("Compiling");
    proxy.down(true);
    std::thread::sleep(Duration::from_secs(4));
    proxy.down(false);
    all_lines_once(&running.end().succeeded().stderr);
}

#[test]
fn a_missing_network_is_reported_with_a_remedy() {
    let mut backend = ScenarioBackend::start();
    backend.kill();
    let client = ScenarioClient::of(&backend);
    let run = client.run(ScenarioProject::hello("lonely", "x").root(), &["build"]);
    assert_eq!(run.code, Some(101));
    assert!(run.time < Duration::from_secs(60), "{:?}", run.time);
    run.says(&[&format!("127.0.0.1:{}", backend.port())]);
    backend.restart();
}

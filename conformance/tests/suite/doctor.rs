//! `cargo cloud doctor` finds what is wrong, and says what to do.

use std::fs;
use std::path::Path;
use std::process::Command;

use conformance::{Run, ScenarioBackend, ScenarioClient};

/// A folder without a project, which the doctor doesn't need.
fn doctor(client: &ScenarioClient, arguments: &[&str]) -> Run {
    let arguments: Vec<_> = ["doctor"].iter().chain(arguments).copied().collect();
    client.run(client.home(), &arguments)
}

/// Asserts that a check has this status and these texts.
#[track_caller]
fn finds(run: &Run, status: &str, texts: &[&str]) {
    let line = run.stdout.lines().find(|line| line.starts_with(status) && line.contains(texts[0]));
    assert!(line.is_some(), "no `{status}` with `{}` in:\n{}\n{}", texts[0], run.stdout, run.stderr);
    let whole = line.unwrap_or_default();
    let behind = &run.stdout[run.stdout.find(whole).unwrap_or_default()..];
    for text in texts {
        assert!(behind.contains(text), "no `{text}` in:\n{behind}");
    }
}

#[test]
fn a_healthy_device_passes_every_check() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    let run = doctor(&client, &[]).succeeded();
    for check in ["configuration", "target", "network", "clock", "keys", "output bucket", "input bucket", "socket"] {
        finds(&run, "  ok", &[check]);
    }
    finds(&run, "  ok", &["trial build", "ran here after"]);
    finds(&run, "  ok", &["versions", "protocol 1", "rustc 1."]);
    // Only the folder for installed programs exists, and it is empty.
    finds(&run, "warn", &["install folder", "export PATH="]);
    assert_eq!(fs::read_dir(client.home().join(".cargo/bin")).unwrap().count(), 0);
    let secret = fs::read_to_string(backend.config("me")).unwrap();
    let secret = secret.split("secret_access_key = \"").nth(1).unwrap().split('"').next().unwrap();
    assert!(!run.stdout.contains(secret) && !run.stderr.contains(secret));
}

#[test]
fn programs_can_read_the_report() {
    let backend = ScenarioBackend::start();
    let run = doctor(&ScenarioClient::of(&backend), &["--json", "--no-build"]).succeeded();
    let report = json(&run);
    assert_eq!(report["ok"], true);
    assert_eq!(status(&report, "socket"), "ok", "{report}");
    assert_eq!(status(&report, "trial build"), "skipped", "{report}");
    assert_eq!(report["protocol"], 1, "{report}");
    let triple = report["device"].as_str().unwrap();
    assert!(triple.contains("-linux-") && report["client"].is_string(), "{report}");
}

fn json(run: &Run) -> serde_json::Value {
    serde_json::from_str(&run.stdout).expect("`doctor --json` prints JSON")
}

/// The status of the check with this name; `missing` if the report has no such check.
fn status<'a>(report: &'a serde_json::Value, name: &str) -> &'a str {
    let mut checks = report["checks"].as_array().into_iter().flatten();
    let check = checks.find(|check| check["check"] == name);
    check.and_then(|check| check["status"].as_str()).unwrap_or("missing")
}

/// An issue report holds the output of `--json`: it must say as much as the lines do, and keep the keys to itself.
#[test]
fn json_has_the_same_findings_and_exit_code_as_the_lines() {
    let mut backend = ScenarioBackend::start();
    let none = ScenarioClient::configured(backend.folder().join("none.toml"));
    let healthy = ScenarioClient::of(&backend);
    let secret = fs::read_to_string(backend.config("me")).unwrap();
    let secret = secret.split("secret_access_key = \"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let compare = |client: &ScenarioClient, arguments: &[&str], code: i32| {
        let lines = doctor(client, arguments).exited(code);
        let run = doctor(client, &[arguments, &["--json"]].concat()).exited(code);
        let report = json(&run);
        assert_eq!(report["ok"], code == 0, "{report}");
        let words = |status: &str| match status {
            "ok" => "  ok",
            "warning" => "warn",
            "failed" => "FAIL",
            "skipped" => "   -",
            other => panic!("{other}: {report}"),
        };
        let said = lines
            .stdout
            .lines()
            .filter(|line| ["  ok ", "warn ", "FAIL ", "   - "].iter().any(|w| line.starts_with(w)));
        let heads: Vec<String> =
            said.map(|line| line.split_once(':').map_or(line, |(head, _)| head).to_owned()).collect();
        let checks = report["checks"].as_array().unwrap();
        let want: Vec<String> = checks
            .iter()
            .map(|check| format!("{} {}", words(check["status"].as_str().unwrap()), check["check"].as_str().unwrap()))
            .collect();
        assert_eq!(heads, want, "{}\n{report}", lines.stdout);
        for check in checks {
            assert!(check["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{check}");
            let needs_advice = matches!(check["status"].as_str(), Some("failed" | "warning"));
            assert_eq!(check["advice"].is_string(), needs_advice, "{check}");
        }
        assert!(!run.stdout.contains(&secret) && !run.stderr.contains(&secret));
        report
    };
    assert_eq!(status(&compare(&healthy, &[], 0), "trial build"), "ok");
    assert_eq!(status(&compare(&none, &[], 1), "configuration"), "failed");
    backend.stop();
    assert_eq!(status(&compare(&healthy, &["--no-build"], 1), "network"), "failed");
}

#[test]
fn each_problem_is_named_with_a_remedy() {
    let mut backend = ScenarioBackend::start();
    let none = doctor(&ScenarioClient::configured(backend.folder().join("none.toml")), &[]).exited(1);
    finds(&none, "FAIL", &["configuration", "ssh -N -L 4100:127.0.0.1:4100", "cargo cloud configure"]);
    assert!(!none.stdout.contains("0.0.0.0"), "an open port is recommended: {}", none.stdout);
    finds(&none, "warn", &["install folder"]);

    let text = fs::read_to_string(backend.config("me")).unwrap();
    let line = |key: &str| text.lines().find(|line| line.starts_with(key)).unwrap().to_owned();
    let with = |name: &str, key: &str, value: &str| {
        ScenarioClient::configured(backend.config_with(name, &[(&line(key), &format!("{key} = \"{value}\""))]))
    };
    let run = doctor(&with("secret", "secret_access_key", "wrong"), &[]).exited(1);
    finds(&run, "FAIL", &["keys", "secret_access_key"]);
    let run = doctor(&with("key", "access_key_id", "AKIANOBODY0000000000"), &[]).exited(1);
    finds(&run, "FAIL", &["keys", "access_key_id"]);
    let run = doctor(&with("owner", "owner", "other"), &[]).exited(1);
    finds(&run, "FAIL", &["output bucket", "`owner`"]);
    let run = doctor(&with("host", "endpoint", "http://nowhere.invalid"), &[]).exited(1);
    finds(&run, "FAIL", &["network: the name nowhere.invalid", "is the network up?"]);
    let run =
        doctor(&with("socket", "socket", &format!("ws://127.0.0.1:{}/elsewhere", backend.port())), &["--no-build"]);
    finds(&run.exited(1), "FAIL", &["socket", "`socket`"]);

    let client = ScenarioClient::of(&backend);
    backend.stop();
    let run = doctor(&client, &[]).exited(1);
    finds(&run, "FAIL", &["network", "start the backend"]);
    finds(&run, "   -", &["trial build"]);
}

#[test]
fn a_wrong_clock_is_reported() {
    let backend = ScenarioBackend::start();
    let library = backend.folder().join("clock.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/clock.c");
    let status = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source).status().unwrap();
    assert!(status.success());
    let client = ScenarioClient::of(&backend).env("LD_PRELOAD", library.to_string_lossy()).env("SKEW", "3600");
    let run = doctor(&client, &[]).succeeded();
    finds(&run, "warn", &["clock", "ahead of", "network time"]);
    finds(&run, "  ok", &["trial build"]);
}

//! Builds that take longer than one attempt may take.

use std::time::Duration;

use conformance::{Run, ScenarioBackend, ScenarioClient, ScenarioOptions, ScenarioProject, library, program};

/// A program whose parts each take about a second to build.
fn slow(parts: usize, ms: u32) -> ScenarioProject {
    let mut manifest = program("slow") + "[dependencies]\n";
    let mut main = "fn main() {\n    let mut sum = 0;\n".to_owned();
    let mut project = ScenarioProject::new();
    for n in 0..parts {
        manifest += &format!("part{n} = {{ path = \"part{n}\" }}\n");
        main += &format!("    sum += part{n}::N;\n");
        let previous = n.checked_sub(1).map(|p| format!("[dependencies]\npart{p} = {{ path = \"../part{p}\" }}\n"));
        project = project
            .file(&format!("part{n}/Cargo.toml"), library(&format!("part{n}")) + &previous.unwrap_or_default())
            .file(&format!("part{n}/src/lib.rs"), format!("pub const N: u32 = {n};\n"))
            .file(
                &format!("part{n}/build.rs"),
                format!("fn main() {{ println!(\"cargo::rerun-if-changed=build.rs\"); std::thread::sleep(std::time::Duration::from_millis({ms})); }}\n"),
            );
    }
    project.file("Cargo.toml", manifest).file("src/main.rs", main + "    println!(\"{sum}\");\n}\n")
}

/// A backend with this time limit for attempts, and its client.
fn hasty(limit: Duration) -> (ScenarioBackend, ScenarioClient) {
    let backend = ScenarioBackend::with(ScenarioOptions { attempt_limit: Some(limit), ..ScenarioOptions::default() });
    let client = ScenarioClient::of(&backend);
    (backend, client)
}

/// On a busy machine an attempt can be too short: it makes no progress, or is stopped at its limit.
#[track_caller]
fn out_of_time(run: Run) -> Run {
    let run = run.exited(101);
    let said = ["more time than one attempt has", "more than 12 attempts", "stopped at its time limit"];
    assert!(said.iter().any(|text| run.stderr.contains(text)), "{}", run.stderr);
    run
}

/// Builds with attempts of which several are needed and each is long enough for something. How long that is depends on
/// what else the machine does: an attempt that gets nowhere on a busy one ends the build, as it has to.
fn in_several_attempts(
    project: &ScenarioProject,
    arguments: &[&str],
    first: Duration,
) -> (ScenarioBackend, ScenarioClient, Run) {
    let mut limit = first;
    let mut tries = 0;
    loop {
        tries += 1;
        assert!(tries <= 5, "neither long enough nor short enough: {limit:?}");
        let (backend, client) = hasty(limit);
        let run = client.run(project.root(), arguments);
        if run.code == Some(0) && backend.output("/2/log.jsonl").is_some() {
            return (backend, client, run);
        }
        if run.code == Some(0) {
            limit = limit * 2 / 3;
            continue;
        }
        out_of_time(run);
        limit *= 2;
    }
}

#[test]
fn a_build_in_several_attempts_ends_as_in_one_attempt() {
    let project = slow(16, 1200);
    // Two jobs at a time, however many processors there are, so that one attempt is not enough.
    let build = ["build", "-j", "2"];
    let whole = ScenarioBackend::start();
    let patient = ScenarioClient::of(&whole);
    patient.run(project.root(), &build).succeeded();

    // On a platform each attempt has to set up a machine and to store its results.
    let first = Duration::from_secs(if whole.is_one_machine() { 4 } else { 9 });
    let (hasty, client, run) = in_several_attempts(&project, &build, first);
    assert_eq!(client.output_of("slow"), "120\n");
    let log = hasty.output("/2/log.jsonl").expect("there was a second attempt");
    assert!(hasty.output("/1/log.jsonl").is_some());
    // The numbers of events continue where the first attempt ended.
    let line = log.split(|byte| *byte == b'\n').next().unwrap();
    let first: serde_json::Value = serde_json::from_slice(line).unwrap();
    assert!(first["seq"].as_u64() > Some(3), "{first}");
    assert_eq!(run.stderr.matches("Finished `release`").count(), 1, "{}", run.stderr);
    let bytes = |client: &ScenarioClient| std::fs::read(client.installed("slow")).unwrap().len();
    assert_eq!(bytes(&client), bytes(&patient));
}

#[test]
fn an_attempt_without_progress_ends_the_build_and_names_the_crate() {
    let project = slow(2, 60_000);
    // On a busy machine the time may be over before cargo has started.
    let named = [4, 8, 16, 32].into_iter().any(|seconds| {
        let (backend, client) = hasty(Duration::from_secs(seconds));
        let run = out_of_time(client.run(project.root(), &["build"]));
        backend.assert_idle(Duration::from_secs(5));
        run.stderr.lines().any(|line| line.starts_with("error") && line.contains("part0(build)"))
    });
    assert!(named, "the message does not name the crate");
}

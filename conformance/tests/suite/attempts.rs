//! Builds that need longer than an attempt may take.

use std::time::Duration;

use conformance::{Backend, Client, Options, Project, library, program};

/// A program whose parts each take about a second to build.
fn slow(parts: usize, ms: u32) -> Project {
    let mut manifest = program("slow") + "[dependencies]\n";
    let mut main = "fn main() {\n    let mut sum = 0;\n".to_owned();
    let mut project = Project::new();
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

/// What an attempt may take so that the project above needs several. Where machines come and go, each attempt has a
/// machine to set up and something to store.
fn limit(backend: &Backend) -> Duration {
    Duration::from_secs(if backend.is_one_machine() { 4 } else { 9 })
}

#[test]
fn a_build_goes_on_in_further_attempts_and_ends_as_in_one_go() {
    let project = slow(16, 1200);
    // Two at a time, however many processors there are: more than one attempt can hold.
    let build = ["build", "-j", "2"];
    let whole = Backend::start();
    let patient = Client::of(&whole);
    patient.run(project.root(), &build).succeeded();

    let hasty = Backend::with(Options { attempt_limit: Some(limit(&whole)), ..Options::default() });
    let client = Client::of(&hasty);
    let run = client.run(project.root(), &build).succeeded();
    assert_eq!(client.output_of("slow"), "120\n");
    let log = hasty.output("/2/log.jsonl").expect("there was a second attempt");
    assert!(hasty.output("/1/log.jsonl").is_some());
    // Numbers go on where the first attempt ended.
    let line = log.split(|byte| *byte == b'\n').next().unwrap();
    let first: serde_json::Value = serde_json::from_slice(line).unwrap();
    assert!(first["seq"].as_u64() > Some(3), "{first}");
    assert_eq!(run.stderr.matches("Finished `release`").count(), 1, "{}", run.stderr);
    let bytes = |client: &Client| std::fs::read(client.installed("slow")).unwrap().len();
    assert_eq!(bytes(&client), bytes(&patient));
}

#[test]
fn an_attempt_that_gets_nowhere_ends_the_build_and_names_the_crate() {
    let project = slow(2, 60_000);
    let backend = Backend::with(Options { attempt_limit: Some(Duration::from_secs(4)), ..Options::default() });
    let run = Client::of(&backend).run(project.root(), &["build"]).exited(101);
    run.says(&["part0", "time"]);
    backend.assert_idle(Duration::from_secs(5));
}

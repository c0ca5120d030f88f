//! Memory runs out: the builder survives, the build is killed, and runs once more with fewer jobs.

use conformance::{ScenarioBackend, ScenarioClient, ScenarioProject};

#[test]
fn the_build_is_killed_first_when_memory_runs_out() {
    let backend = ScenarioBackend::start();
    // The score of the build, and that of the supervisor above it.
    let script = r#"fn main() {
        let read = |pid: &str| std::fs::read_to_string(format!("/proc/{pid}/oom_score_adj")).unwrap_or_default();
        let stat = |pid: &str| std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let parent = |pid: &str| stat(pid).rsplit_once(')').unwrap().1.split_whitespace().nth(1).unwrap().to_owned();
        let mut above = std::process::id().to_string();
        while read(&above).trim() == "800" { above = parent(&above); }
        println!("cargo::warning=mine {} above {}", read("self").trim(), read(&above).trim());
    }
    "#;
    let project = ScenarioProject::hello("mortal", "x").file("build.rs", script);
    let run = ScenarioClient::of(&backend).run(project.root(), &["build"]).succeeded().says(&["mine 800 above "]);
    let above = run.stderr.split("mine 800 above ").nth(1).and_then(|rest| rest.split_whitespace().next());
    let above: i32 = above.expect("the supervisor's standing").parse().expect("a number");
    assert!(above < 800, "{above}");
}

#[test]
fn a_build_with_a_killed_process_is_repeated_once_with_fewer_jobs() {
    let backend = ScenarioBackend::start();
    let script = r#"fn main() {
        let mark = std::path::Path::new(&std::env::var("OUT_DIR").unwrap()).join("died");
        let jobs = std::env::var("NUM_JOBS").unwrap();
        println!("cargo::warning=with {jobs} jobs");
        if !mark.exists() || std::env::var_os("CARGO_FEATURE_DOOMED").is_some() {
            std::fs::write(mark, "").unwrap();
            let me = std::process::id().to_string();
            std::process::Command::new("kill").args(["-KILL", &me]).status().unwrap();
            std::thread::sleep(std::time::Duration::from_secs(60));
        }
    }
    "#;
    let project = ScenarioProject::hello("hungry", "fed").file("build.rs", script);
    let manifest = project.read("Cargo.toml") + "[features]\ndoomed = []\n";
    project.write("Cargo.toml", manifest);
    let client = ScenarioClient::of(&backend);
    let run = client.run(project.root(), &["build", "-j", "4"]).succeeded();
    run.says(&["most likely because memory ran out", "`-j 2` instead of `-j 4`", "with 2 jobs"]);
    assert_eq!(client.output_of("hungry"), "fed\n");

    let run = client.run(project.root(), &["build", "-j", "4", "-F", "doomed"]).exited(101);
    assert_eq!(run.stderr.matches("trying once more").count(), 1, "{}", run.stderr);
    run.says(&["a compiler process was killed", "memory", "-j 1"]);
}

//! Builds that fail, as they do with cargo.

use conformance::{ScenarioBackend, ScenarioClient, ScenarioProject, program};

/// Cargo's output as the client printed it, without the client's own lines and without times.
fn of_cargo(stderr: &str) -> String {
    let own = ["Packing", "Uploading", "Queued", "Downloaded", "Created", "Unchanged"];
    stderr
        .lines()
        .filter(|line| {
            !own.iter().any(|status| line.split(['m', ' ']).any(|word| word.trim_end_matches("\u{1b}[0") == *status))
        })
        .map(|line| line.split(" target(s) in ").next().unwrap_or(line).to_owned() + "\n")
        .collect()
}

#[track_caller]
fn same_as_cargo(project: &ScenarioProject, flags: &[&str]) {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    let mut cloud = vec!["build", "--no-install"];
    cloud.extend(flags);
    let mut plain = vec!["build"];
    plain.extend(flags);
    let (code, stdout, stderr) = project.cargo(&plain);
    let run = client.run(project.root(), &cloud);
    let (ours, theirs) = (of_cargo(&run.stderr), of_cargo(&stderr));
    assert!(ours == theirs, "{ours}\n--- but cargo:\n{theirs}");
    assert_eq!(run.stdout, stdout);
    assert_eq!(run.code, code, "{}", run.stderr);
}

#[test]
fn a_compile_error_is_shown_exactly_as_cargo_prints_it() {
    let project = ScenarioProject::new()
        .file("Cargo.toml", program("broken"))
        .file("src/main.rs", "fn main() {\n    let x: u32 = \"no number\";\n    let y = missing;\n}\n");
    same_as_cargo(&project, &[]);
    same_as_cargo(&project, &["--color=always"]);
    same_as_cargo(&project, &["--message-format=short"]);
}

#[test]
fn warnings_are_shown_and_the_build_succeeds() {
    let project = ScenarioProject::new()
        .file("Cargo.toml", program("careless"))
        .file("src/main.rs", "fn unused() {}\nfn main() { let x = 1; }\n");
    same_as_cargo(&project, &[]);
}

#[test]
fn a_panic_in_a_build_script_is_shown() {
    let project = ScenarioProject::hello("panicky", "x")
        .file("build.rs", "fn main() { eprintln!(\"about to\"); panic!(\"the build script is unhappy\"); }\n");
    let backend = ScenarioBackend::start();
    let run = ScenarioClient::of(&backend).run(project.root(), &["build"]).exited(101);
    run.says(&["error: failed to run custom build command for `panicky", "the build script is unhappy", "about to"]);
}

#[test]
fn missing_packages_and_targets_are_refused_with_the_words_of_cargo() {
    let project = ScenarioProject::hello("plain", "x")
        .file("Cargo.lock", "version = 4\n\n[[package]]\nname = \"plain\"\nversion = \"0.1.0\"\n");
    same_as_cargo(&project, &["--bin", "absent"]);
    same_as_cargo(&project, &["-F", "absent"]);
    same_as_cargo(&project, &["-p", "absent"]);
    same_as_cargo(&project, &["--profile", "absent"]);
}

#[test]
fn a_missing_dependency_is_named() {
    let project = ScenarioProject::hello("needy", "x");
    let manifest = project.read("Cargo.toml") + "[dependencies]\ngone = { path = \"../gone\" }\n";
    project.write("Cargo.toml", manifest);
    let backend = ScenarioBackend::start();
    let run = ScenarioClient::of(&backend).run(project.root(), &["build"]);
    assert_ne!(run.code, Some(0));
    run.says(&["gone"]);
}

#[test]
fn a_target_the_backend_lacks_is_refused_before_the_source_is_unpacked() {
    let project = ScenarioProject::hello("wanderer", "x");
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    let run = client.run(project.root(), &["build", "--target", "sparc-unknown-moon"]);
    assert_eq!(run.code, Some(101));
    run.says(&["sparc-unknown-moon", &super::builds::host()]).never_says("Uploading");
    client.run(project.root(), &["build", "--target", "../../evil.json"]).says(&["evil.json"]);
}

#[test]
fn a_locked_project_is_not_changed() {
    let project = ScenarioProject::hello("strict", "x");
    let backend = ScenarioBackend::start();
    let run = ScenarioClient::of(&backend).run(project.root(), &["build", "--locked"]).exited(101);
    run.says(&["--locked"]);
    assert!(!project.path("Cargo.lock").exists());
}

#[test]
fn the_exit_code_is_the_one_of_cargo_and_an_unknown_flag_is_refused() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    let project = ScenarioProject::hello("plain", "x");
    client.run(project.root(), &["build", "--relaese"]).exited(1).says(&["--relaese", "--release"]);
    client.run(project.outside(), &["build"]).exited(101).says(&["could not find `Cargo.toml`"]);
}

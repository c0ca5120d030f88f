//! Machines come and go; the results of a project's builds stay.

use conformance::{ScenarioBackend, ScenarioClient, ScenarioProject, library, program, until};

use crate::account::DeployedAccount;

/// Waits until everything is saved, then ends all machines.
fn go_cold(backend: &ScenarioBackend) {
    let control = backend.control();
    until(|| "nothing was saved".to_owned(), || !control.objects("cache").is_empty());
    crate::usage::assert_settled(&control);
    let is_cold = || {
        control.cold();
        control.get("sandboxes").as_array().is_some_and(Vec::is_empty)
    };
    until(|| control.get("sandboxes").to_string(), is_cold);
}

#[test]
fn a_new_machine_builds_only_what_changed() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    let project = ScenarioProject::new()
        .file("Cargo.toml", program("app") + "[dependencies]\nbase = { path = \"base\" }\n")
        .file("src/main.rs", "fn main() { println!(\"{} one\", base::NAME); }\n")
        // Cargo compares the newest time in the package to the nanosecond.
        .file("base/build.rs", "fn main() { println!(\"cargo::rustc-env=X=1\"); }\n")
        .file("base/Cargo.toml", library("base"))
        .file("base/src/lib.rs", "pub const NAME: &str = \"base\";\n");
    client.run(project.root(), &["build"]).succeeded();
    go_cold(&backend);
    let run = client.run(project.root(), &["build"]).succeeded();
    assert_eq!(run.compiled(), [""; 0], "{}", run.stderr);
    go_cold(&backend);
    project.write("src/main.rs", "fn main() { println!(\"{} two\", base::NAME); }\n");
    let run = client.run(project.root(), &["build"]).succeeded();
    assert_eq!(run.compiled(), ["app"], "{}", run.stderr);
    assert_eq!(client.output_of("app"), "base two\n");
}

#[test]
fn a_new_machine_restores_the_latest_cache() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    let project = ScenarioProject::hello("shared", "one");
    client.run(project.root(), &["build"]).succeeded();
    go_cold(&backend);
    project.write("src/main.rs", "fn main() { println!(\"two\"); }\n");
    client.run(project.root(), &["build"]).succeeded();
    go_cold(&backend);
    // The content is the same, but its time is older; only the saved manifest shows that.
    let run = client.run(project.root(), &["build"]).succeeded();
    assert_eq!(run.compiled(), [""; 0]);
    assert_eq!(client.output_of("shared"), "two\n");
}

#[test]
fn a_damaged_cache_costs_only_time() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    let project = ScenarioProject::hello("sturdy", "still here");
    client.run(project.root(), &["build"]).succeeded();
    go_cold(&backend);
    for key in backend.control().objects("cache") {
        let path = format!("/cargo-cloud-cache-123456789012-us-east-1/{key}");
        DeployedAccount::of(&backend.control()).call("s3", "PUT", &path, &[], "this is no cache");
    }
    client.run(project.root(), &["build"]).succeeded();
    assert_eq!(client.output_of("sturdy"), "still here\n");
}

#[test]
fn a_cleaned_project_is_built_from_nothing_on_every_machine() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    // Both builds take long enough to need two machines.
    let build = "fn main() { std::thread::sleep(std::time::Duration::from_secs(4)); }\n";
    let project = ScenarioProject::hello("twice", "twice").file("build.rs", build);
    let twice = || {
        let running = [0, 1].map(|_| client.spawn(project.root(), &["build"]));
        running.map(|running| running.end().succeeded().compiled().len())
    };
    assert_eq!(twice(), [1, 1]);
    let control = backend.control();
    let saved = || control.objects("cache").into_iter().filter(|key| key.ends_with(".zst")).collect::<Vec<_>>();
    until(|| "nothing was saved".to_owned(), || !saved().is_empty());
    crate::usage::assert_settled(&control);
    client.run(project.root(), &["clean"]).succeeded().says(&["Removed "]);
    assert_eq!(saved(), [""; 0]);
    assert_eq!(twice(), [1, 1], "a machine has kept a cleaned project");
    // The second build shows that it is warm again.
    crate::usage::assert_settled(&control);
    client.run(project.root(), &["clean", "--all"]).succeeded();
    assert_eq!(saved(), [""; 0]);
    assert_eq!(twice(), [1, 1], "a machine has kept a cleaned project");
}

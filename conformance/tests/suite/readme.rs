//! The README's commands do what it says.

use std::path::Path;
use std::process::Command;

use conformance::{Backend, Client, Crate, Options, Project, Registry, backend_binary, program};

fn readme() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    std::fs::read_to_string(path).expect("the README")
}

/// The commands of the table of everyday use.
fn everyday() -> Vec<String> {
    let text = readme();
    let commands =
        text.lines().filter_map(|line| line.strip_prefix("| `cargo cloud ")?.split('`').next().map(str::to_owned));
    commands.collect()
}

#[test]
fn everyday_commands_work() {
    let registry = Registry::start();
    registry.publish(Crate::program("hexyl", "1.0.0"));
    let backend = Backend::with(Options { cargo_config: Some(registry.cargo_config()), ..Options::default() });
    let client = Client::of(&backend);
    let project = Project::hello("tool", "handy");
    let manifest = project.read("Cargo.toml") + "[features]\nfast = []\n";
    project.write("Cargo.toml", manifest);
    let commands = everyday();
    assert!(commands.len() >= 5, "{commands:?}");
    for command in commands {
        let arguments: Vec<&str> = command.split(' ').collect();
        let run = client.run(project.root(), &arguments);
        if command.contains("android") && run.code != Some(0) {
            // A backend without what it takes says so.
            run.exited(101).says(&["aarch64-linux-android"]);
        } else {
            run.succeeded();
        }
    }
    assert_eq!(client.output_of("tool"), "handy\n");
    assert_eq!(client.output_of("hexyl"), "hexyl 1.0.0\n");
}

/// What the page on commands tells rust-analyzer to do, done: each file and folder it names is one of the device's.
#[test]
fn what_rust_analyzer_is_told_names_the_devices_files() {
    let page =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/commands.md")).expect("a page");
    let json = page.split("```json").nth(1).and_then(|rest| rest.split("```").next()).expect("a configuration");
    let configuration: serde_json::Value = serde_json::from_str(json).expect("JSON");
    let command = configuration["rust-analyzer.check.overrideCommand"].as_array().expect("a command");
    let arguments: Vec<&str> = command.iter().skip(1).filter_map(serde_json::Value::as_str).collect();
    let backend = Backend::start();
    let project = Project::hello("tool", "x").file("src/main.rs", "fn main() {\n    let unused = 1;\n}\n");
    let run = Client::of(&backend).run(project.root(), &arguments).succeeded();
    let messages: Vec<serde_json::Value> =
        run.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let diagnostic = messages.iter().find(|message| message["reason"] == "compiler-message").expect("a diagnostic");
    let span = diagnostic["message"]["spans"][0]["file_name"].as_str().expect("a file");
    assert!(project.path(span).is_file(), "{span}");
    for place in [&diagnostic["manifest_path"], &diagnostic["target"]["src_path"]] {
        assert!(Path::new(place.as_str().expect("a path")).is_file(), "{place}");
    }
}

#[test]
fn the_lists_of_the_manifest_are_those_of_the_readme() {
    let text = readme();
    let begin = text.find("  [workspace.metadata.cloud]").expect("the example");
    let example: String = text[begin..]
        .lines()
        .take_while(|line| !line.contains("```"))
        .fold(String::new(), |all, line| all + line + "\n");
    let project = Project::new()
        .file("Cargo.toml", format!("[workspace]\nmembers = [\"tool\"]\n{example}"))
        .file(".gitignore", "generated/\n")
        .file("generated/a", "")
        .file("recordings/b", "")
        .file("tool/Cargo.toml", program("tool"))
        .file("tool/src/main.rs", "fn main() {}\n");
    let client = Client::configured("/nonexistent/config.toml".into());
    let list = client.run(project.root(), &["package", "--list"]).succeeded().stdout;
    assert!(list.contains("generated/a") && !list.contains("recordings"), "{list}");
}

#[test]
fn what_the_backend_is_started_with_exists() {
    let output = Command::new(backend_binary()).arg("--help").output().expect("the backend starts");
    let help = String::from_utf8(output.stdout).expect("text");
    let text = readme();
    let line = text.lines().find(|line| line.starts_with("cargo-cloud-local ")).expect("the command");
    for flag in line.split(' ').filter(|word| word.starts_with("--")) {
        assert!(help.contains(flag), "{flag}");
    }
}

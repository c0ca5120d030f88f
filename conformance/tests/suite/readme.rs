//! The commands and examples of the README and of docs/commands.md do what these pages say.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use conformance::{
    Crate, Registry, ScenarioBackend, ScenarioClient, ScenarioOptions, ScenarioProject, backend_binary, client_binary,
    output_of, program, until,
};

fn readme() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    std::fs::read_to_string(path).expect("the README")
}

/// The commands in the README's table of everyday use, without `cargo cloud`.
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
    let backend = ScenarioBackend::with(ScenarioOptions {
        cargo_config: Some(registry.cargo_config()),
        ..ScenarioOptions::default()
    });
    let client = ScenarioClient::of(&backend);
    let project = ScenarioProject::hello("tool", "handy");
    let manifest = project.read("Cargo.toml") + "[features]\nfast = []\n";
    project.write("Cargo.toml", manifest);
    let commands = everyday();
    assert!(commands.len() >= 5, "{commands:?}");
    for command in commands {
        let arguments: Vec<&str> = command.split(' ').collect();
        let run = client.run(project.root(), &arguments);
        if command.contains("android") && run.code != Some(0) {
            // A backend without the NDK refuses, and names the target.
            run.exited(101).says(&["aarch64-linux-android"]);
        } else {
            run.succeeded();
        }
    }
    assert_eq!(client.output_of("tool"), "handy\n");
    assert_eq!(client.output_of("hexyl"), "hexyl 1.0.0\n");
}

/// Runs the command that docs/commands.md gives rust-analyzer: every path in its messages exists on the device.
#[test]
fn rust_analyzers_command_names_files_of_the_device() {
    let page =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/commands.md")).expect("a page");
    let json = page.split("```json").nth(1).and_then(|rest| rest.split("```").next()).expect("a configuration");
    let configuration: serde_json::Value = serde_json::from_str(json).expect("JSON");
    let command = configuration["rust-analyzer.check.overrideCommand"].as_array().expect("a command");
    let arguments: Vec<&str> = command.iter().skip(1).filter_map(serde_json::Value::as_str).collect();
    let backend = ScenarioBackend::start();
    let project = ScenarioProject::hello("tool", "x").file("src/main.rs", "fn main() {\n    let unused = 1;\n}\n");
    let run = ScenarioClient::of(&backend).run(project.root(), &arguments).succeeded();
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
fn the_readmes_lists_in_the_manifest_decide_what_is_sent() {
    let text = readme();
    let begin = text.find("  [workspace.metadata.cloud]").expect("the example");
    let example: String = text[begin..]
        .lines()
        .take_while(|line| !line.contains("```"))
        .fold(String::new(), |all, line| all + line + "\n");
    let project = ScenarioProject::new()
        .file("Cargo.toml", format!("[workspace]\nmembers = [\"tool\"]\n{example}"))
        .file(".gitignore", "generated/\n")
        .file("generated/a", "")
        .file("recordings/b", "")
        .file("tool/Cargo.toml", program("tool"))
        .file("tool/src/main.rs", "fn main() {}\n");
    let client = ScenarioClient::configured("/nonexistent/config.toml".into());
    let list = client.run(project.root(), &["package", "--list"]).succeeded().stdout;
    assert!(list.contains("generated/a") && !list.contains("recordings"), "{list}");
}

/// Starts the backend with the README's command, copies its configuration to a device as the README says, and builds.
#[test]
fn the_readmes_way_to_use_a_desktop_works() {
    let (desktop, device) = (tempfile::tempdir().expect("a home"), tempfile::tempdir().expect("a home"));
    let text = readme();
    let line = text.lines().find(|line| line.starts_with("cargo-cloud-local --listen ")).expect("the command");
    // The port may be taken on this machine, and each device listens for itself.
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    let line =
        line.replace("127.0.0.1:4100", &free.to_string()).replace("~/", &format!("{}/", desktop.path().display()));
    let mut backend = Command::new(backend_binary())
        .args(line.split(' ').skip(1))
        .env("HOME", desktop.path())
        .env("XDG_DATA_HOME", desktop.path().join("data"))
        .env("RUSTUP_HOME", rustup_home())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the backend starts");
    let (there, here) = [&desktop, &device].map(|home| home.path().join(".config/cargo-cloud/config.toml")).into();
    until(|| "the backend writes the configuration".to_owned(), || there.is_file() && TcpStream::connect(free).is_ok());
    std::fs::create_dir_all(here.parent().expect("a folder")).expect("a folder");
    std::fs::copy(&there, &here).expect("the configuration is copied");
    let project = ScenarioProject::hello("tool", "handy");
    let client = |arguments: &[&str]| {
        let mut command = Command::new(client_binary());
        command.args(arguments).current_dir(project.root()).env_clear().env("HOME", device.path());
        let output = command.stdin(Stdio::null()).output().expect("the client starts");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    client(&["doctor"]);
    client(&["build"]);
    assert_eq!(output_of(&device.path().join(".cargo/bin/tool")), "handy\n");
    backend.kill().expect("the backend ends");
    backend.wait().expect("the backend has ended");
}

/// Where rustup keeps toolchains: the backend's home in a test is an empty folder.
fn rustup_home() -> PathBuf {
    let home = || Path::new(&std::env::var_os("HOME").expect("a home")).join(".rustup");
    std::env::var_os("RUSTUP_HOME").map_or_else(home, PathBuf::from)
}

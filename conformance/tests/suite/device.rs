//! What happens on the device: configuration, installing, bookkeeping.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use conformance::{ScenarioBackend, ScenarioClient, ScenarioProject, program};

#[test]
fn without_a_configuration_the_client_says_how_to_start() {
    let client = ScenarioClient::configured("/nonexistent/config.toml".into());
    let run = client.run(ScenarioProject::hello("x", "x").root(), &["build"]).exited(101);
    run.says(&["cargo-cloud-local", "--client-config"]);
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("config.toml");
    fs::write(&broken, "backend = [").unwrap();
    ScenarioClient::configured(broken)
        .run(ScenarioProject::hello("x", "x").root(), &["build"])
        .exited(101)
        .says(&["config.toml"]);
}

#[test]
fn a_program_of_another_package_is_not_overwritten() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    let (mine, theirs) = (ScenarioProject::hello("tool", "mine"), ScenarioProject::new());
    theirs.write("Cargo.toml", program("other") + "[[bin]]\nname = \"tool\"\npath = \"main.rs\"\n");
    theirs.write("main.rs", "fn main() { println!(\"theirs\"); }\n");
    client.run(mine.root(), &["build"]).succeeded();
    client.run(theirs.root(), &["build"]).exited(101).says(&["tool", "--force"]);
    assert_eq!(client.output_of("tool"), "mine\n");
    client.run(theirs.root(), &["build", "--force"]).succeeded();
    assert_eq!(client.output_of("tool"), "theirs\n");
    let books = fs::read_to_string(client.home().join(".cargo/.crates.toml")).unwrap();
    assert!(books.contains("other 0.1.0") && !books.contains("tool 0.1.0"), "{books}");
    // Cargo itself reads the records and removes the program again.
    let cargo = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO"))
            .args(arguments)
            .env("CARGO_HOME", client.home().join(".cargo"))
            .output()
            .expect("cargo starts");
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (_, list) = cargo(&["install", "--list"]);
    assert!(list.contains("other v0.1.0") && list.contains("    tool"), "{list}");
    assert!(cargo(&["uninstall", "other"]).0);
    assert!(!client.installed("tool").exists());
}

#[test]
fn a_program_of_unknown_origin_is_not_overwritten() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    let tool = client.installed("tool");
    fs::create_dir_all(tool.parent().unwrap()).unwrap();
    fs::write(&tool, "precious").unwrap();
    let project = ScenarioProject::hello("tool", "new");
    client.run(project.root(), &["build"]).exited(101).says(&["already exists", "--force"]);
    assert_eq!(fs::read_to_string(&tool).unwrap(), "precious");
}

#[test]
fn a_running_program_is_replaced() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    let project = ScenarioProject::hello("daemon", "old").file(
        "src/main.rs",
        "fn main() { let mut line = String::new(); std::io::stdin().read_line(&mut line).unwrap(); println!(\"old\"); }\n",
    );
    client.run(project.root(), &["build"]).succeeded();
    let mut old = Command::new(client.installed("daemon"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    project.write("src/main.rs", "fn main() { println!(\"new\"); }\n");
    client.run(project.root(), &["build"]).succeeded();
    assert_eq!(client.output_of("daemon"), "new\n");
    old.stdin.take().unwrap().write_all(b"\n").unwrap();
    assert_eq!(old.wait_with_output().unwrap().stdout, b"old\n");
}

#[test]
fn the_install_folder_is_chosen_as_cargo_chooses_and_must_be_writable() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    let project = ScenarioProject::hello("placed", "x");
    let root = project.outside().join("root");
    client.run(project.root(), &["build", "--root", &root.to_string_lossy()]).succeeded();
    assert!(root.join("bin/placed").is_file());
    let other = ScenarioClient::of(&backend).env("CARGO_INSTALL_ROOT", project.outside().join("env").to_string_lossy());
    other.run(project.root(), &["build"]).succeeded();
    assert!(project.outside().join("env/bin/placed").is_file());
    // A file is in the place of the folder, or the folder is not writable: refused before the upload.
    let blocked = project.outside().join("blocked");
    fs::write(&blocked, "").unwrap();
    let run = client.run(project.root(), &["build", "--root", &blocked.to_string_lossy()]).exited(101);
    run.says(&["blocked"]).never_says("Uploading");
    let closed = project.outside().join("closed");
    fs::create_dir(&closed).unwrap();
    let client = ScenarioClient::of(&backend).unprivileged(project.outside());
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).unwrap();
    let run = client.run(project.root(), &["build", "--root", &closed.to_string_lossy()]).exited(101);
    run.says(&["closed", "ermission"]).never_says("Uploading");
}

#[test]
fn the_target_is_found_where_cargo_finds_it() {
    let backend = ScenarioBackend::start();
    let project =
        ScenarioProject::hello("aimed", "x").file(".cargo/config.toml", "[build]\ntarget = \"mips-from-config\"\n");
    ScenarioClient::of(&backend).run(project.root(), &["build"]).exited(101).says(&["mips-from-config"]);
    let client = ScenarioClient::of(&backend).env("CARGO_BUILD_TARGET", "mips-from-environment");
    client.run(project.root(), &["build"]).exited(101).says(&["mips-from-environment"]);
    client.run(project.root(), &["build", "--target", "mips-from-flag"]).exited(101).says(&["mips-from-flag"]);
    // A mistyped target is refused before the upload, and the correct one is suggested.
    let mistyped = env!("TARGET_OF_SUITE").replace("linux", "linxu");
    let run = client.run(project.root(), &["build", "--target", &mistyped]).exited(101);
    run.says(&[&format!("Did you mean `{}`?", env!("TARGET_OF_SUITE"))]).never_says("Uploading");
}

//! Builds that were started earlier can be listed, shown, followed and cancelled from any device of their owner.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use conformance::{ScenarioBackend, ScenarioClient, ScenarioProject, program};
use protocol::BuildId;

/// A program whose build takes this many seconds.
fn slow(name: &str, seconds: u32) -> ScenarioProject {
    let build = format!(
        "fn main() {{ std::thread::sleep(std::time::Duration::from_secs({seconds})); println!(\"cargo::warning=awake\"); }}\n"
    );
    ScenarioProject::hello(name, name).file("build.rs", build)
}

/// A device of the owner with its own configuration and records.
fn device(backend: &ScenarioBackend, owner: &str, name: &str) -> ScenarioClient {
    let folder = backend.folder().join(name);
    std::fs::create_dir(&folder).expect("a folder");
    let config = folder.join("config.toml");
    std::fs::copy(backend.config(owner), &config).expect("a configuration");
    ScenarioClient::configured(config)
}

fn notes(backend: &ScenarioBackend, name: &str) -> usize {
    std::fs::read_dir(backend.folder().join(name).join("builds")).map_or(0, Iterator::count)
}

/// The line of a build in the list.
fn listed(client: &ScenarioClient, project: &ScenarioProject, id: &str) -> String {
    let list = client.run(project.root(), &["builds"]).succeeded().stdout;
    let short = &id[id.len() - 8..];
    let line = list.lines().find(|line| line.starts_with(short));
    assert!(line.is_some(), "no {short} in:\n{list}");
    line.unwrap_or_default().to_owned()
}

fn detach(client: &ScenarioClient, project: &ScenarioProject, arguments: &[&str]) -> String {
    let arguments = [arguments[0], "--detach"].into_iter().chain(arguments[1..].iter().copied()).collect::<Vec<_>>();
    let run = client.run(project.root(), &arguments).succeeded().says(&["Detached", "cargo cloud attach"]);
    let id = run.stdout.trim_end().to_owned();
    assert!(id.parse::<BuildId>().is_ok(), "{}", run.stdout);
    id
}

#[test]
fn a_detached_build_is_listed_followed_and_brought_back() {
    let backend = ScenarioBackend::start();
    let client = device(&backend, "me", "tablet");
    let project = slow("absent", 4);
    let none = client.run(project.root(), &["builds"]).succeeded().says(&["no builds"]);
    assert_eq!(none.stdout, "");
    let id = detach(&client, &project, &["build"]);
    assert!(!client.installed("absent").exists());
    let began = Instant::now();
    while !listed(&client, &project, &id).contains("running") {
        assert!(began.elapsed() < Duration::from_secs(30), "{}", listed(&client, &project, &id));
    }
    assert!(listed(&client, &project, &id).contains("build absent"));
    // Without an id it is the latest build of this project.
    let run =
        client.run(project.root(), &["attach"]).succeeded().says(&["Compiling absent", "awake", "Installed package"]);
    assert!(run.stderr.contains(&*project.root().to_string_lossy()), "{}", run.stderr);
    assert_eq!(client.output_of("absent"), "absent\n");
    let line = listed(&client, &project, &id);
    assert!(line.contains("succeeded") && line.contains("KiB"), "{line}");
    assert_eq!(notes(&backend, "tablet"), 0);
    client.run(project.root(), &["attach"]).exited(101).says(&["no build of this project", "cargo cloud builds"]);
    // A build can be shown as long as it is kept, also by a part of its id.
    let logs = client.run(project.root(), &["logs", &id[id.len() - 8..]]).succeeded();
    assert!(logs.stderr.contains("Compiling absent") && !logs.stderr.contains("Installed"), "{}", logs.stderr);
}

#[test]
fn attach_ends_as_the_command_would_have() {
    let backend = ScenarioBackend::start();
    let client = device(&backend, "me", "tablet");
    let project = ScenarioProject::new()
        .file("Cargo.toml", program("picky"))
        .file("src/main.rs", "fn main() {\n    println!(\"out\");\n    std::process::exit(7);\n}\n");
    let id = detach(&client, &project, &["run"]);
    let run = client.run(project.root(), &["attach", &id]).exited(7);
    assert_eq!(run.stdout, "out\n");
    assert_eq!(client.run(project.root(), &["logs", &id]).succeeded().stdout, "out\n");

    let id = detach(&client, &project, &["build", "--no-install", "--env", "SECRET=hush"]);
    let note = std::fs::read_to_string(backend.folder().join(format!("tablet/builds/{id}.json"))).unwrap();
    assert!(!note.contains("hush"), "{note}");
    let elsewhere = ScenarioProject::new();
    // Outside of a project it is the latest build of the device, whose files still go to their project.
    client.run(elsewhere.root(), &["attach"]).succeeded().says(&["Finished"]);
    assert!(project.path("target/debug/picky").exists());

    project.write("src/main.rs", "fn main() { nonsense }\n");
    let id = detach(&client, &project, &["build"]);
    client.run(project.root(), &["attach", &id]).exited(101).says(&["cannot find value `nonsense`"]);
    let list = client.run(project.root(), &["builds", "--json", "-n", "1"]).succeeded().stdout;
    let last: serde_json::Value = serde_json::from_str(&list).unwrap();
    assert_eq!((&last["id"], &last["outcome"], &last["exit_code"]), (&id.into(), &"failed".into(), &101.into()));
    assert_eq!(notes(&backend, "tablet"), 0);
}

#[test]
fn a_client_that_was_killed_loses_nothing() {
    let backend = ScenarioBackend::start();
    let client = device(&backend, "me", "tablet");
    let project = slow("orphan", 3);
    let mut running = client.spawn(project.root(), &["build"]);
    running.until("Compiling orphan");
    running.kill();
    client.run(project.root(), &["attach"]).succeeded().says(&["Installed package"]);
    assert_eq!(client.output_of("orphan"), "orphan\n");
}

#[test]
fn another_device_of_the_owner_sees_the_build_and_installs_it_only_on_request() {
    let backend = ScenarioBackend::start();
    let (tablet, phone) = (device(&backend, "me", "tablet"), device(&backend, "me", "phone"));
    let project = ScenarioProject::hello("shared", "everywhere");
    tablet.run(project.root(), &["build"]).succeeded();
    let elsewhere = ScenarioProject::new();
    let list = phone.run(elsewhere.root(), &["builds", "--json"]).succeeded().stdout;
    let build: serde_json::Value = serde_json::from_str(&list).unwrap();
    let id = build["id"].as_str().unwrap();
    phone.run(elsewhere.root(), &["attach", id]).succeeded().says(&["Compiling shared", "--root DIR"]);
    assert!(!phone.installed("shared").exists());
    let root = phone.home().join("tools");
    phone
        .run(elsewhere.root(), &["attach", id, "--root", root.to_str().unwrap()])
        .succeeded()
        .says(&["Installed package"]);
    assert_eq!(conformance::output_of(&root.join("bin/shared")), "everywhere\n");
    // Installing it again is no conflict: it is the same package.
    phone.run(elsewhere.root(), &["attach", id, "--root", root.to_str().unwrap()]).succeeded();
}

#[test]
fn an_installation_can_be_detached_and_attached_too() {
    let backend = ScenarioBackend::start();
    let (tablet, phone) = (device(&backend, "me", "tablet"), device(&backend, "me", "phone"));
    let project = ScenarioProject::hello("gadget", "fits");
    let (folder, elsewhere) = (project.root().to_str().unwrap(), ScenarioProject::new());
    let id = detach(&tablet, &elsewhere, &["install", "--path", folder]);
    tablet.run(elsewhere.root(), &["attach", &id]).succeeded().says(&["Compiling gadget", "Installed package"]);
    assert_eq!(tablet.output_of("gadget"), "fits\n");
    let list = tablet.run(elsewhere.root(), &["install", "--list"]).succeeded().stdout;
    assert!(list.contains(&format!("gadget v0.1.0 ({folder})")), "{list}");
    assert_eq!(notes(&backend, "tablet"), 0);
    let root = phone.home().join("tools");
    let root = root.to_str().unwrap();
    phone.run(elsewhere.root(), &["attach", &id, "--root", root]).succeeded();
    assert_eq!(conformance::output_of(&phone.home().join("tools/bin/gadget")), "fits\n");
    let list = phone.run(elsewhere.root(), &["install", "--list", "--root", root]).succeeded().stdout;
    assert!(list.contains("gadget v0.1.0 (/cargo-cloud/gadget-"), "{list}");
}

#[test]
fn a_build_of_another_owner_is_not_found() {
    let backend = ScenarioBackend::start();
    let (mine, theirs) = (device(&backend, "me", "tablet"), device(&backend, "other", "spy"));
    let project = ScenarioProject::hello("private", "x");
    let id = detach(&mine, &project, &["build"]);
    for verb in ["attach", "logs", "cancel"] {
        for part in [id.as_str(), &id[id.len() - 8..]] {
            let run =
                theirs.run(project.root(), &[verb, part]).exited(101).says(&["owner `other`", "cargo cloud builds"]);
            assert!(!run.stderr.contains("private") && run.stdout.is_empty(), "{}", run.stderr);
        }
    }
    theirs.run(project.root(), &["builds"]).succeeded().says(&["no builds"]);
    // The backend refuses a configuration that claims to belong to another owner.
    let config = std::fs::read_to_string(backend.config("other")).unwrap().replace("\"other\"", "\"me\"");
    let forged = backend.folder().join("forged.toml");
    std::fs::write(&forged, config).unwrap();
    let forged = ScenarioClient::configured(forged);
    for arguments in [&["builds"][..], &["attach", &id], &["logs", &id], &["cancel", &id]] {
        let run = forged.run(project.root(), arguments).exited(101).says(&["AccessDenied"]);
        assert_eq!(run.stdout, "");
    }
    mine.run(project.root(), &["attach"]).succeeded();
}

#[test]
fn ctrl_c_while_attached_leaves_the_build_and_cancel_ends_it() {
    let backend = ScenarioBackend::start();
    let client = device(&backend, "me", "tablet");
    let project = slow("endless", 600);
    let id = detach(&client, &project, &["build"]);
    let short = &id[id.len() - 8..];
    for arguments in [&["attach"][..], &["logs", "--follow", short]] {
        let mut running = client.spawn(project.root(), arguments);
        running.until("Compiling endless").interrupt();
        running.end().exited(130).says(&["the build goes on", &format!("cargo cloud cancel {short}")]);
    }
    // Prints the output so far and returns.
    let glance = client.run(project.root(), &["logs", short]).succeeded().says(&["Compiling endless"]);
    assert!(glance.time < Duration::from_secs(10), "{:?}", glance.time);
    client.run(project.root(), &["cancel", short]).succeeded().says(&["Cancelled"]);
    backend.assert_idle(Duration::from_secs(5));
    assert!(listed(&client, &project, &id).contains("cancelled"));
    client.run(project.root(), &["cancel", &id]).succeeded().says(&["ended already: cancelled"]);
    client.run(project.root(), &["attach", &id]).exited(130).says(&["was cancelled"]);
    client.run(project.root(), &["logs", &id]).succeeded().says(&["Compiling endless", "was cancelled"]);
}

#[test]
fn an_unknown_build_is_reported() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    let project = ScenarioProject::hello("x", "x");
    let old = BuildId::new(1_600_000_000_000, [7; 10]).to_string();
    for verb in ["attach", "logs", "cancel"] {
        for (id, says) in [
            ("../../etc/passwd", "no build's id"),
            ("zzzz", "no build's id"),
            ("abc", "no build's id"),
            ("0123abcd", "begins or ends with `0123abcd`"),
            (old.as_str(), "has expired"),
        ] {
            client.run(project.root(), &[verb, id]).exited(101).says(&[says]);
        }
    }
    client.run(project.root(), &["logs"]).exited(1).says(&["<ID>"]);
    let nowhere = ScenarioClient::configured(PathBuf::from("/nonexistent/config.toml"));
    for arguments in
        [&["builds"][..], &["logs", "0123abcd"], &["attach", "0123abcd"], &["cancel", "0123abcd"], &["clean"]]
    {
        nowhere.run(project.root(), arguments).exited(101).says(&["no backend is configured"]);
    }
}

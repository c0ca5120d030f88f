//! Ctrl-C, in every phase.

use std::time::Duration;

use conformance::{ScenarioBackend, ScenarioClient, ScenarioOptions, ScenarioProject, program};

fn endless() -> ScenarioProject {
    ScenarioProject::hello("endless", "never").file(
        "build.rs",
        "fn main() { println!(\"cargo::warning=x\"); std::thread::sleep(std::time::Duration::from_secs(600)); }\n",
    )
}

#[test]
fn ctrl_c_cancels_a_build_while_cargo_runs() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    let project = endless();
    let mut running = client.spawn(project.root(), &["build"]);
    running.until("Compiling endless");
    std::thread::sleep(Duration::from_secs(1));
    let run = running.interrupt().until("ancel");
    let _ = run;
    let run = running.end().exited(130);
    backend.assert_idle(Duration::from_secs(5));
    run.left_nothing_else(&client.home().join(".cargo/bin"), &[]);
    // The project's folder is free and usable again.
    project.write("build.rs", "fn main() {}\n");
    client.run(project.root(), &["build"]).succeeded();
}

#[test]
fn ctrl_c_cancels_a_build_in_the_queue() {
    let backend = ScenarioBackend::with(ScenarioOptions { jobs: Some(1), ..ScenarioOptions::default() });
    let client = ScenarioClient::of(&backend);
    let (first, second) = (endless(), ScenarioProject::hello("second", "x"));
    let mut busy = client.spawn(first.root(), &["build"]);
    busy.until("Compiling endless");
    let mut waiting = client.spawn(second.root(), &["build"]);
    waiting.until(crate::queued(&backend)).interrupt();
    waiting.end().exited(130);
    busy.interrupt();
    busy.end().exited(130);
    backend.assert_idle(Duration::from_secs(5));
}

#[test]
fn ctrl_c_cancels_a_build_that_waits_for_its_project() {
    let backend = ScenarioBackend::with(ScenarioOptions { jobs: Some(2), ..ScenarioOptions::default() });
    let client = ScenarioClient::of(&backend);
    let project = endless();
    let mut busy = client.spawn(project.root(), &["build"]);
    busy.until("Compiling endless");
    let mut waiting = client.spawn(project.root(), &["build"]);
    // On one machine the builds share a folder; on a platform each has its own machine.
    waiting.until(if backend.is_one_machine() { "Waiting" } else { "Compiling endless" }).interrupt();
    let run = waiting.end().exited(130);
    assert!(run.time < Duration::from_secs(30), "{:?}", run.time);
    // The other build continues undisturbed.
    busy.interrupt();
    busy.end().exited(130);
    backend.assert_idle(Duration::from_secs(5));
}

#[test]
fn ctrl_c_cancels_an_upload() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    // Incompressible data.
    let mut state = 1u64;
    let noise: Vec<u8> = (0..48 << 20)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .collect();
    let project = ScenarioProject::hello("large", "x").file("noise.bin", noise);
    let mut running = client.spawn(project.root(), &["build"]);
    running.until("Packing").interrupt();
    running.end().exited(130);
    backend.assert_idle(Duration::from_secs(5));
}

#[test]
fn a_cancelled_build_cannot_escape_its_process_group() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    let project = ScenarioProject::hello("fugitive", "x").file(
        "build.rs",
        "use std::process::{Command, Stdio};\nfn main() {\n    Command::new(\"setsid\").args([\"-f\", \"sleep\", \"54321\"]).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();\n    \
         println!(\"cargo::warning=started\");\n}\n",
    );
    let text = format!("54321{}", std::process::id());
    let script = project.read("build.rs").replace("54321", &text);
    project.write("build.rs", script);
    // It ends in time, and no process is left.
    let run = client.run(project.root(), &["build"]).succeeded();
    assert!(run.time < Duration::from_secs(30), "{:?}", run.time);
    let left = conformance::mentioning(&text, 0);
    assert!(left.is_empty(), "{left:?}");

    let script = project
        .read("build.rs")
        .replace("println!", "std::thread::sleep(std::time::Duration::from_secs(600)); println!");
    project.write("build.rs", script);
    let mut running = client.spawn(project.root(), &["build"]);
    running.until("Compiling fugitive");
    while conformance::mentioning(&text, 0).is_empty() {
        std::thread::sleep(Duration::from_millis(50));
    }
    running.interrupt();
    running.end().exited(130);
    std::thread::sleep(Duration::from_secs(1));
    let left = conformance::mentioning(&text, 0);
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_second_ctrl_c_ends_the_client_at_once() {
    let mut backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    let project = ScenarioProject::new()
        .file("Cargo.toml", program("endless"))
        .file("src/main.rs", "fn main() {}\n")
        .file("build.rs", "fn main() { std::thread::sleep(std::time::Duration::from_secs(600)); }\n");
    let mut running = client.spawn(project.root(), &["build"]);
    running.until("Compiling endless");
    // The backend doesn't answer any more: the first Ctrl-C waits for it, the second doesn't.
    let pid = rustix::process::Pid::from_raw(i32::try_from(backend.pid()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
    running.interrupt();
    std::thread::sleep(Duration::from_millis(500));
    running.interrupt();
    let run = running.end().exited(130);
    rustix::process::kill_process(pid, rustix::process::Signal::CONT).unwrap();
    assert!(run.time < Duration::from_secs(20), "{:?}", run.time);
    let (code, took) = backend.stop();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(10), "{took:?}");
    backend.assert_idle(Duration::from_secs(5));
}

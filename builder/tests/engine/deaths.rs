//! What happens when the backend or a supervisor is killed.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::endings::sleeper;
use crate::support::{TestBackend, own_seconds, processes_with};

pub const TESTS: &[(&str, fn())] = &[
    ("a_killed_backend_leaves_no_process", a_killed_backend_leaves_no_process),
    ("a_killed_supervisor_leaves_a_result_and_no_process", a_killed_supervisor_leaves_a_result_and_no_process),
];

const BACKEND: &str = "--backend-of-a-test";

/// Runs a backend with one build if this process was started for that.
pub fn backend_main_if_asked() -> bool {
    let mut args = std::env::args().skip(1);
    if args.next().as_deref() != Some(BACKEND) {
        return false;
    }
    cargo_cloud_builder::harden_process();
    let backend = TestBackend::new();
    let ran = backend.run(&sleeper(&args.next().unwrap()));
    println!("{:?} {:?}", ran.result().outcome, ran.result().message);
    true
}

/// Starts a backend whose build sleeps, and waits until it does.
fn backend(seconds: &str) -> Child {
    let program = std::env::current_exe().unwrap();
    let child = Command::new(program).args([BACKEND, seconds]).stdout(Stdio::piped()).spawn().unwrap();
    // Two processes of the build sleep: the build script's child, and one in a session of its own.
    wait_until(Duration::from_secs(30), || sleepers(seconds) == 2);
    child
}

fn sleepers(seconds: &str) -> usize {
    processes_with(&format!("sleep {seconds}")).len()
}

fn wait_until(timeout: Duration, met: impl Fn() -> bool) {
    let begun = Instant::now();
    while !met() {
        assert!(begun.elapsed() < timeout, "waited too long");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn a_killed_backend_leaves_no_process() {
    let seconds = own_seconds(3);
    let mut backend = backend(&seconds);
    backend.kill().unwrap();
    backend.wait().unwrap();
    wait_until(Duration::from_secs(2), || sleepers(&seconds) == 0);
}

fn a_killed_supervisor_leaves_a_result_and_no_process() {
    let seconds = own_seconds(4);
    let mut backend = backend(&seconds);

    let mut supervisors = Vec::new();
    for task in std::fs::read_dir(format!("/proc/{}/task", backend.id())).unwrap().flatten() {
        let text = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        supervisors.extend(text.split_whitespace().map(|pid| pid.parse::<i32>().unwrap()).collect::<Vec<_>>());
    }
    assert!(!supervisors.is_empty());
    for pid in supervisors {
        kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    }
    let mut printed = String::new();
    backend.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
    backend.wait().unwrap();
    assert!(printed.starts_with("Crashed") && printed.contains("was killed"), "{printed}");
    assert_eq!(sleepers(&seconds), 0);
}

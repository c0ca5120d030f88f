//! Deaths of those who watch over builds.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::endings::sleeper;
use crate::support::{TestBackend, own_seconds, processes_with};

pub const TESTS: &[(&str, fn())] = &[
    ("a_killed_backend_leaves_no_process", a_killed_backend_leaves_no_process),
    ("a_killed_supervisor_leaves_no_process_and_a_result", a_killed_supervisor_leaves_no_process_and_a_result),
];

const BACKEND: &str = "--backend-of-a-test";

/// A backend in a process of its own, with one build.
pub fn backend_main_if_asked() -> bool {
    let mut args = std::env::args().skip(1);
    if args.next().as_deref() != Some(BACKEND) {
        return false;
    }
    cargo_cloud_builder::harden_process();
    let bench = TestBackend::new();
    let ran = bench.run(&sleeper(&args.next().unwrap()));
    println!("{:?} {:?}", ran.result().outcome, ran.result().message);
    true
}

fn backend(seconds: &str) -> Child {
    let program = std::env::current_exe().unwrap();
    let child = Command::new(program).args([BACKEND, seconds]).stdout(Stdio::piped()).spawn().unwrap();
    // The backend itself has the text on its command line, and so has the link of the build script's.
    wait_until(Duration::from_secs(30), || sleepers(seconds) == 2);
    child
}

fn sleepers(seconds: &str) -> usize {
    processes_with(&format!("sleep {seconds}")).len()
}

fn wait_until(patience: Duration, met: impl Fn() -> bool) {
    let begun = Instant::now();
    while !met() {
        assert!(begun.elapsed() < patience, "waited too long");
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

fn a_killed_supervisor_leaves_no_process_and_a_result() {
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
    let mut said = String::new();
    backend.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    backend.wait().unwrap();
    assert!(said.starts_with("Crashed") && said.contains("was killed"), "{said}");
    assert_eq!(sleepers(&seconds), 0);
}

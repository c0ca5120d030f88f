//! The process of a running backend.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// A backend's process that has printed its address.
pub struct RunningBackend {
    child: Child,
    /// The port that it listens on.
    pub port: u16,
}

impl RunningBackend {
    /// Starts the process and appends its standard error to `log`.
    pub fn start(mut command: Command, log: &Path) -> Self {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::options().create(true).append(true).open(log).expect("a log"));
        let mut child = command.spawn().expect("the backend starts");
        let stdout = BufReader::new(child.stdout.take().expect("its output"));
        let mut lines = stdout.lines().map_while(Result::ok);
        let address = lines
            .by_ref()
            .find_map(|line| line.rsplit_once("http://").map(|(_, address)| address.trim().to_owned()))
            .unwrap_or_else(|| {
                let said = std::fs::read_to_string(log).unwrap_or_default();
                panic!("the backend did not print its address: {said}")
            });
        let port = address.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("a port");
        // Keep reading, so that the pipe never fills up.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, port }
    }

    /// The process id of the backend.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills the process without warning.
    pub fn kill(mut self) {
        self.child.kill().expect("the backend dies");
        self.child.wait().expect("and is gone");
    }

    /// Asks the process to stop, as Ctrl-C does. Returns its exit code and how long that took.
    pub fn stop(mut self) -> (Option<i32>, Duration) {
        let began = Instant::now();
        kill_process(Pid::from_child(&self.child), Signal::INT).expect("a signal");
        let status = wait(&mut self.child, Duration::from_secs(20)).expect("the backend stops when asked");
        (status, began.elapsed())
    }
}

/// Waits until a process ends and returns its exit code; an error when that takes too long.
pub(crate) fn wait(child: &mut Child, patience: Duration) -> Result<Option<i32>, Duration> {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a child of ours") {
            return Ok(status.code());
        }
        if began.elapsed() > patience {
            return Err(patience);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

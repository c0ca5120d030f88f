//! The client, started as a person starts it: in a folder, with a home folder, and without cargo in the PATH.

use std::fs;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::backend::{ScenarioBackend, wait};
use crate::binaries::client_binary;

/// How long a scenario waits for one build, unless it sets another limit.
const PATIENCE: Duration = Duration::from_secs(180);

/// A device with a home, on which the client runs.
pub struct ScenarioClient {
    home: TempDir,
    config: PathBuf,
    env: Vec<(String, String)>,
    binary: PathBuf,
    user: Option<u32>,
    machine: Option<&'static str>,
    patience: Duration,
}

impl ScenarioClient {
    /// A device of the owner `me`.
    pub fn of(backend: &ScenarioBackend) -> Self {
        Self::configured(backend.config("me"))
    }

    /// A device with this client configuration.
    pub fn configured(config: PathBuf) -> Self {
        let home = tempfile::Builder::new().prefix("device-").tempdir().expect("a home");
        Self { home, config, env: Vec::new(), binary: client_binary(), user: None, machine: None, patience: PATIENCE }
    }

    /// Sets an environment variable for the client.
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// Runs the client as a user to whom permissions apply, who becomes the owner of everything in `folder`. It does nothing
    /// if the suite doesn't run as root.
    pub fn unprivileged(mut self, folder: &Path) -> Self {
        if !rustix::process::geteuid().is_root() {
            return self;
        }
        let nobody = 65534;
        let home = self.home.path();
        let binary = home.join("cargo-cloud");
        fs::copy(&self.binary, &binary).expect("the client is copied");
        let config = home.join("config.toml");
        fs::copy(&self.config, &config).expect("the configuration is copied");
        for tree in [home, folder] {
            let status = Command::new("chown").arg("-R").arg(nobody.to_string()).arg(tree).status();
            assert!(status.expect("chown starts").success());
        }
        (self.binary, self.config, self.user) = (binary, config, Some(nobody));
        self
    }

    /// Makes the device a machine of this kind (`uname -m`), which runs other programs than the builder.
    pub fn machine(mut self, machine: &'static str) -> Self {
        self.machine = Some(machine);
        self
    }

    /// Sets how long to wait for one build.
    pub fn patient(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The home folder of the device.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The folder where the client installs programs.
    pub fn installed(&self, name: &str) -> PathBuf {
        self.home.path().join(".cargo/bin").join(name)
    }

    /// Starts `cargo cloud ARGUMENTS` in a folder.
    pub fn spawn(&self, folder: &Path, arguments: &[&str]) -> RunningClient {
        let mut command = match self.machine {
            Some(machine) => {
                let mut command = Command::new("setarch");
                command.arg(machine).arg(&self.binary);
                command
            }
            None => Command::new(&self.binary),
        };
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        let mut child = command
            .arg("cloud")
            .args(arguments)
            .current_dir(folder)
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", "/usr/bin:/bin")
            .env("LANG", "C.UTF-8")
            .env("CARGO_CLOUD_CONFIG", &self.config)
            .envs(self.env.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the client starts");
        let stdout = OutputReader::of(child.stdout.take().expect("piped"));
        let stderr = OutputReader::of(child.stderr.take().expect("piped"));
        RunningClient { child, stdout, stderr, began: Instant::now(), patience: self.patience }
    }

    /// Runs `cargo cloud ARGUMENTS` in a folder until it ends.
    pub fn run(&self, folder: &Path, arguments: &[&str]) -> Run {
        self.spawn(folder, arguments).end()
    }

    /// Runs an installed program and returns its standard output.
    pub fn output_of(&self, name: &str) -> String {
        output_of(&self.installed(name))
    }
}

/// Runs a program and returns its standard output.
pub fn output_of(program: &Path) -> String {
    let output = Command::new(program).output().unwrap_or_else(|e| panic!("{} can't be run: {e}", program.display()));
    assert!(output.status.success(), "{} ends well", program.display());
    String::from_utf8_lossy(&output.stdout).into_owned()
}

struct OutputReader {
    text: Arc<Mutex<Vec<u8>>>,
    thread: JoinHandle<()>,
}

impl OutputReader {
    fn of(mut pipe: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(Vec::new()));
        let sink = text.clone();
        let thread = std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(n @ 1..) = pipe.read(&mut buffer) {
                sink.lock().expect("no panic").extend_from_slice(&buffer[..n]);
            }
        });
        Self { text, thread }
    }

    fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.text.lock().expect("no panic")).into_owned()
    }

    fn all(self) -> String {
        self.thread.join().expect("no panic");
        String::from_utf8(std::mem::take(&mut *self.text.lock().expect("no panic"))).expect("the client prints UTF-8")
    }
}

/// A client that is running.
pub struct RunningClient {
    child: Child,
    stdout: OutputReader,
    stderr: OutputReader,
    began: Instant,
    patience: Duration,
}

impl RunningClient {
    /// Waits until the client has printed this text, on either output.
    pub fn until(&mut self, text: &str) -> &mut Self {
        while !self.stderr.so_far().contains(text) && !self.stdout.so_far().contains(text) {
            let ended = self.child.try_wait().expect("a child of ours");
            assert!(ended.is_none(), "it ended before `{text}`:\n{}", self.stderr.so_far());
            assert!(self.began.elapsed() < self.patience, "`{text}` never came:\n{}", self.stderr.so_far());
            std::thread::sleep(Duration::from_millis(10));
        }
        self
    }

    /// Interrupts the client, as Ctrl-C does.
    pub fn interrupt(&mut self) -> &mut Self {
        kill_process(Pid::from_child(&self.child), Signal::INT).expect("a signal");
        self
    }

    /// Kills the client without warning.
    pub fn kill(mut self) {
        self.child.kill().expect("the client dies");
        self.child.wait().expect("and is gone");
    }

    /// Waits until the client ends.
    pub fn end(mut self) -> Run {
        let Ok(code) = wait(&mut self.child, self.patience) else {
            let _ = self.child.kill();
            let _ = self.child.wait();
            panic!("the client did not end in time:\n{}", self.stderr.so_far());
        };
        Run { code, stdout: self.stdout.all(), stderr: self.stderr.all(), time: self.began.elapsed() }
    }
}

/// How a client ended, and what it printed.
#[derive(Debug)]
pub struct Run {
    /// The exit code; `None` if a signal killed it.
    pub code: Option<i32>,
    /// The text on standard output.
    pub stdout: String,
    /// The text on standard error.
    pub stderr: String,
    /// How long the client ran.
    pub time: Duration,
}

impl Run {
    /// Asserts that the exit code is 0.
    #[track_caller]
    pub fn succeeded(self) -> Self {
        self.exited(0)
    }

    /// Asserts that the client ended with this exit code.
    #[track_caller]
    pub fn exited(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Asserts that standard error contains these texts.
    #[track_caller]
    pub fn says(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.stderr.contains(text), "no `{text}` in:\n{}", self.stderr);
        }
        self
    }

    /// Asserts that standard error doesn't contain this text.
    #[track_caller]
    pub fn never_says(self, text: &str) -> Self {
        assert!(!self.stderr.contains(text), "`{text}` in:\n{}", self.stderr);
        self
    }

    /// The crates that cargo compiled, in their order.
    pub fn compiled(&self) -> Vec<&str> {
        self.stderr
            .lines()
            .filter_map(|line| line.trim_start().strip_prefix("Compiling "))
            .filter_map(|line| line.split(' ').next())
            .collect()
    }

    /// Asserts that the client has left no temporary file in a folder.
    #[track_caller]
    pub fn left_nothing_else(self, folder: &Path, expected: &[&str]) -> Self {
        let mut names: Vec<String> = fs::read_dir(folder)
            .map(|entries| entries.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect())
            .unwrap_or_default();
        names.sort();
        assert_eq!(names, expected, "in {}", folder.display());
        self
    }
}

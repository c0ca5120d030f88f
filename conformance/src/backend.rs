//! A backend, started for one scenario.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::binaries::backend_binary;
use crate::raw::Credentials;

/// How a backend is set up.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Builds at a time.
    pub jobs: Option<usize>,
    /// The longest an attempt may take.
    pub attempt_limit: Option<Duration>,
    /// Size of a file system of its own for the data, in bytes.
    pub disk: Option<u64>,
    /// Environment of the backend.
    pub env: Vec<(String, String)>,
}

/// A running backend with two owners, `me` and `other`.
pub struct Backend {
    folder: TempDir,
    options: Options,
    port: u16,
    process: Option<Child>,
}

impl Backend {
    /// Starts one.
    pub fn start() -> Self {
        Self::with(Options::default())
    }

    /// Starts one with options.
    pub fn with(options: Options) -> Self {
        let folder = tempfile::Builder::new().prefix("cloud-").tempdir().expect("a temporary folder");
        let mut backend = Self { folder, options, port: 0, process: None };
        if let Some(size) = backend.options.disk {
            std::fs::create_dir(backend.data()).expect("the data folder");
            let status = Command::new("mount")
                .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
                .arg(backend.data())
                .status()
                .expect("mount starts");
            assert!(status.success(), "no file system of its own for the data");
        }
        backend.launch();
        backend
    }

    fn launch(&mut self) {
        let mut command = Command::new(backend_binary());
        command
            .arg("--listen")
            .arg(format!("127.0.0.1:{}", self.port))
            .arg("--data")
            .arg(self.data())
            .arg("--client-config")
            .arg(self.config("me"))
            .arg("--client-config")
            .arg(format!("other={}", self.config("other").display()))
            .envs(self.options.env.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::options().create(true).append(true).open(self.log()).expect("a log"));
        if let Some(jobs) = self.options.jobs {
            command.arg("--jobs").arg(jobs.to_string());
        }
        if let Some(limit) = self.options.attempt_limit {
            command.arg("--attempt-limit").arg(format!("{}ms", limit.as_millis()));
        }
        let mut child = command.spawn().expect("the backend starts");
        let stdout = BufReader::new(child.stdout.take().expect("its output"));
        let mut lines = stdout.lines().map_while(Result::ok);
        let address = lines
            .by_ref()
            .find_map(|line| line.rsplit_once("http://").map(|(_, address)| address.trim().to_owned()))
            .unwrap_or_else(|| panic!("the backend did not say where it listens: {}", self.said()));
        self.port = address.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("a port");
        // Its output must not fill up while nobody reads.
        std::thread::spawn(move || lines.for_each(drop));
        self.process = Some(child);
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The client configuration of an owner.
    pub fn config(&self, owner: &str) -> PathBuf {
        self.folder.path().join(format!("{owner}.toml"))
    }

    /// The configuration of `me`, changed: each `from` becomes `to`.
    pub fn config_with(&self, name: &str, changes: &[(&str, &str)]) -> PathBuf {
        let mut text = std::fs::read_to_string(self.config("me")).expect("the configuration");
        for (from, to) in changes {
            assert!(text.contains(from), "the configuration has no `{from}`:\n{text}");
            text = text.replace(from, to);
        }
        let path = self.folder.path().join(format!("{name}.toml"));
        std::fs::write(&path, text).expect("the configuration is written");
        path
    }

    /// The keys of an owner.
    pub fn credentials(&self, owner: &str) -> Credentials {
        Credentials::read(&self.config(owner))
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("backend.log")
    }

    /// What it has logged.
    pub fn said(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap_or_default()
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.process.as_ref().expect("the backend runs").id()
    }

    /// Ends it with no warning, as a power cut does.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.process.take() {
            child.kill().expect("the backend dies");
            child.wait().expect("and is gone");
        }
    }

    /// Asks it to stop, as Ctrl-C does, and gives its exit code and how long it took.
    pub fn stop(&mut self) -> (Option<i32>, Duration) {
        let mut child = self.process.take().expect("the backend runs");
        let began = Instant::now();
        kill_process(Pid::from_child(&child), Signal::INT).expect("a signal");
        let status = wait(&mut child, Duration::from_secs(20)).expect("the backend stops when asked");
        (status, began.elapsed())
    }

    /// Starts it again on the same port and data.
    pub fn restart(&mut self) {
        assert!(self.process.is_none(), "it still runs");
        self.launch();
    }

    /// A file of the data folder whose path ends like this, if there is one.
    pub fn find(&self, end: &str) -> Option<PathBuf> {
        find(&self.data(), end)
    }
}

fn find(folder: &Path, end: &str) -> Option<PathBuf> {
    for entry in std::fs::read_dir(folder).ok()?.flatten() {
        let path = entry.path();
        if path.to_string_lossy().ends_with(end) {
            return Some(path);
        }
        if entry.file_type().is_ok_and(|kind| kind.is_dir())
            && let Some(found) = find(&path, end)
        {
            return Some(found);
        }
    }
    None
}

/// Waits for a process to end; its exit code, or an error when the time is over.
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

impl Drop for Backend {
    fn drop(&mut self) {
        if self.process.is_some() {
            if std::thread::panicking() {
                eprintln!("--- the backend said:\n{}", self.said());
                self.kill();
            } else {
                let (code, _) = self.stop();
                assert_eq!(code, Some(0), "the backend ends well: {}", self.said());
            }
        }
        if self.options.disk.is_some() {
            let _ = Command::new("umount").arg("-l").arg(self.data()).status();
        }
    }
}

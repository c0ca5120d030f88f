//! A backend, started for one scenario: the embedded one, or, if `CONFORMANCE_PLATFORM` names an applied platform, the
//! Lambdas, connected as the platform's Terraform configuration says.

mod embedded;
mod platform;
mod process;

use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use self::process::RunningBackend;
pub(crate) use self::process::wait;
use crate::raw::OwnerCredentials;
pub use platform::Control;

/// The options of a scenario's backend.
#[derive(Debug, Clone, Default)]
pub struct ScenarioOptions {
    /// How many builds run at a time.
    pub jobs: Option<usize>,
    /// How long an attempt may take.
    pub attempt_limit: Option<Duration>,
    /// The size in bytes of a file system of its own for builds.
    pub disk: Option<u64>,
    /// A file with a cargo configuration for all builds.
    pub cargo_config: Option<PathBuf>,
    /// Environment variables that builds see.
    pub env: Vec<(String, String)>,
}

/// The kind of a backend, for scenarios whose promises depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackendKind {
    /// `cargo-cloud-local`: one process, one target directory for all builds of a project, a queue that shows positions.
    Embedded,
    /// The platform that is described in this folder: machines come and go, and share nothing but the buckets.
    Platform(PathBuf),
}

/// A running backend with two owners, `me` and `other`.
pub struct ScenarioBackend {
    folder: TempDir,
    kind: BackendKind,
    options: ScenarioOptions,
    process: Option<RunningBackend>,
    port: u16,
}

impl ScenarioBackend {
    /// Starts a backend with the default options.
    pub fn start() -> Self {
        Self::with(ScenarioOptions::default())
    }

    /// Starts a backend with these options.
    pub fn with(options: ScenarioOptions) -> Self {
        let kind = std::env::var_os("CONFORMANCE_PLATFORM")
            .map_or(BackendKind::Embedded, |dir| BackendKind::Platform(dir.into()));
        Self::of_kind(kind, options)
    }

    /// Starts the embedded backend, for promises that only it makes.
    pub fn embedded(options: ScenarioOptions) -> Self {
        Self::of_kind(BackendKind::Embedded, options)
    }

    fn of_kind(kind: BackendKind, options: ScenarioOptions) -> Self {
        let folder = tempfile::Builder::new().prefix("cloud-").tempdir().expect("a temporary folder");
        let mut backend = Self { folder, kind, options, process: None, port: 0 };
        if let (BackendKind::Embedded, Some(size)) = (&backend.kind, backend.options.disk) {
            embedded::mount(&backend.data(), size);
        }
        backend.launch();
        backend
    }

    fn launch(&mut self) {
        let command = match &self.kind {
            BackendKind::Embedded => embedded::command(self.folder(), self.port, &self.options),
            BackendKind::Platform(platform) => platform::command(platform, self.folder(), &self.options),
        };
        let process = RunningBackend::start(command, &self.log());
        self.port = process.port;
        self.process = Some(process);
    }

    /// The kind of this backend.
    pub fn kind(&self) -> &BackendKind {
        &self.kind
    }

    /// Whether all builds share one machine, with its queue and target directories.
    pub fn is_one_machine(&self) -> bool {
        self.kind == BackendKind::Embedded
    }

    /// The port that the backend listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A temporary folder that is removed with the backend.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The data folder of the embedded backend.
    fn data(&self) -> PathBuf {
        self.folder().join("data")
    }

    /// The file with the client configuration of an owner.
    pub fn config(&self, owner: &str) -> PathBuf {
        self.folder().join(format!("{owner}.toml"))
    }

    /// Writes a copy of the configuration of `me`, in which each `from` is replaced by its `to`.
    pub fn config_with(&self, name: &str, changes: &[(&str, &str)]) -> PathBuf {
        let mut text = std::fs::read_to_string(self.config("me")).expect("the configuration");
        for (from, to) in changes {
            assert!(text.contains(from), "the configuration has no `{from}`:\n{text}");
            text = text.replace(from, to);
        }
        let path = self.folder().join(format!("{name}.toml"));
        std::fs::write(&path, text).expect("the configuration is written");
        path
    }

    /// The addresses and keys of an owner.
    pub fn credentials(&self, owner: &str) -> OwnerCredentials {
        OwnerCredentials::read(&self.config(owner))
    }

    fn log(&self) -> PathBuf {
        self.folder().join("backend.log")
    }

    /// Everything that the backend has logged.
    pub fn said(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap_or_default()
    }

    /// The process id of the backend.
    pub fn pid(&self) -> u32 {
        self.process.as_ref().expect("the backend runs").id()
    }

    /// The interface that disturbs a platform.
    pub fn control(&self) -> Control {
        assert_ne!(self.kind, BackendKind::Embedded, "only a platform has this interface");
        Control::new(self.port)
    }

    /// Kills all builds without warning, after which nothing answers any more, as in a power cut.
    pub fn kill(&mut self) {
        match self.kind {
            BackendKind::Embedded => self.process.take().expect("the backend runs").kill(),
            BackendKind::Platform(_) => self.control().power(false),
        }
    }

    /// Starts the backend again after [`ScenarioBackend::kill`], the embedded one also after [`ScenarioBackend::stop`], on
    /// the same port and with the data that it has kept.
    pub fn restart(&mut self) {
        match self.kind {
            BackendKind::Embedded => {
                assert!(self.process.is_none(), "the backend is still running");
                self.launch();
            }
            BackendKind::Platform(_) => self.control().power(true),
        }
    }

    /// Asks the backend to stop, as Ctrl-C does. Returns its exit code and how long that took.
    pub fn stop(&mut self) -> (Option<i32>, Duration) {
        self.process.take().expect("the backend runs").stop()
    }

    /// Asserts that within this time no process of a build is left.
    #[track_caller]
    pub fn assert_idle(&self, patience: Duration) {
        match self.kind {
            BackendKind::Embedded => {
                let except = self.process.as_ref().map_or(0, RunningBackend::id);
                crate::processes::assert_none_within(&self.data(), except, patience);
            }
            // The machines of a platform end with its process.
            BackendKind::Platform(_) if self.process.is_none() => {}
            BackendKind::Platform(_) => self.control().assert_idle(patience),
        }
    }

    /// The object in the output bucket whose key ends with this text, if there is one.
    pub fn output(&self, end: &str) -> Option<Vec<u8>> {
        match self.kind {
            BackendKind::Embedded => {
                embedded::find(&self.data(), end).map(|path| std::fs::read(path).expect("an object"))
            }
            BackendKind::Platform(_) => {
                let key = self.control().objects("output").into_iter().find(|key| key.ends_with(end))?;
                let raw = crate::RawClient::new(self.credentials(key.split('/').next().unwrap_or_default()));
                Some(raw.output(&key).body)
            }
        }
    }
}

impl Drop for ScenarioBackend {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            if std::thread::panicking() {
                eprintln!("--- the log of the backend:\n{}", self.said());
                process.kill();
            } else {
                let (code, _) = process.stop();
                assert_eq!(code, Some(0), "the backend ends well: {}", self.said());
            }
        }
        if let (BackendKind::Embedded, Some(_)) = (&self.kind, self.options.disk) {
            embedded::unmount(&self.data());
        }
    }
}

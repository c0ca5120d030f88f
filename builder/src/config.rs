//! What a backend tells the engine about the machine.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// Settings of the engine.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EngineConfig {
    /// The folder everything lies in. Its path must stay the same from build to build: cargo rebuilds what moved.
    pub work: PathBuf,
    /// Cargo; none: the one of `PATH`, or of `$CARGO_HOME/bin`.
    pub cargo: Option<PathBuf>,
    /// A cargo configuration for all builds (a registry mirror, say): becomes the `config.toml` of their `CARGO_HOME`.
    pub cargo_config: Option<PathBuf>,
    /// Linkers by target triple, where the well-known names are not the right ones.
    pub linkers: BTreeMap<String, PathBuf>,
    /// Variables every build gets beside the engine's own.
    pub env: BTreeMap<String, OsString>,
    /// How long output after the first line of a burst is gathered. The default suits one machine, where an event
    /// costs next to nothing; where events are paid for, [`protocol::limits::FLUSH_INTERVAL`] does.
    pub flush_interval: Duration,
    /// How long cargo's output is waited for once cargo is gone.
    pub drain_time: Duration,
    /// How long before its deadline an attempt stops cargo, beside what saving takes.
    pub pause_margin: Duration,
    /// Where the backend's own set-up puts what builds for Android need, if it has one.
    pub android_setup: Option<AndroidSetup>,
    /// Android API level that binaries are built for (Termux's own compiler: 24).
    pub android_api: u32,
}

impl EngineConfig {
    /// Settings for one machine, with everything in `work`.
    pub fn new(work: impl Into<PathBuf>) -> Self {
        Self {
            work: work.into(),
            cargo: None,
            cargo_config: None,
            linkers: BTreeMap::new(),
            env: BTreeMap::new(),
            flush_interval: Duration::from_millis(25),
            drain_time: Duration::from_secs(2),
            pause_margin: Duration::from_secs(1),
            android_setup: None,
            android_api: 24,
        }
    }
}

/// A backend's own set-up for Android. The engine looks at it anew for each build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AndroidSetup {
    /// The folder that it fills.
    pub folder: PathBuf,
    /// The command line that fills it, for the person who is told to type it.
    pub command: String,
}

impl AndroidSetup {
    /// The NDK. It is whole when it is there.
    pub fn ndk(&self) -> PathBuf {
        self.folder.join("ndk")
    }

    /// Cargo-ndk's program.
    pub fn cargo_ndk(&self) -> PathBuf {
        self.folder.join("bin").join("cargo-ndk")
    }
}

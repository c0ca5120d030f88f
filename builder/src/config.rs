//! The settings with which a backend starts the engine.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// Settings of the engine, the same for all builds on the machine.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EngineConfig {
    /// The folder for everything the engine keeps. Its path must never change, because cargo rebuilds what has moved.
    pub work: PathBuf,
    /// Path of cargo. `None`: the first in `PATH`, else the one in `$CARGO_HOME/bin`.
    pub cargo: Option<PathBuf>,
    /// Path of a cargo configuration for all builds, for example with a registry mirror. It becomes the `config.toml` of
    /// their `CARGO_HOME`.
    pub cargo_config: Option<PathBuf>,
    /// Linkers by target triple, for targets whose linker doesn't have the usual name.
    pub linkers: BTreeMap<String, PathBuf>,
    /// Variables for every build, in addition to the engine's own.
    pub env: BTreeMap<String, OsString>,
    /// How long output is gathered after the first line of a burst, before it becomes an event. The default of 25 ms suits
    /// a machine where events are free; use [`protocol::limits::FLUSH_INTERVAL`] where each one costs money.
    pub flush_interval: Duration,
    /// How long to wait for the rest of cargo's output after cargo has ended.
    pub drain_time: Duration,
    /// How long before its deadline an attempt stops cargo, in addition to the time that saving takes.
    pub pause_margin: Duration,
    /// The backend's own Android set-up, if it has one.
    pub android_setup: Option<AndroidSetup>,
    /// The Android API level to build for when the project names none. The default, 24, is that of Termux's compiler.
    pub android_api: u32,
}

impl EngineConfig {
    /// Settings with the defaults for one machine, and `work` as the engine's folder.
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

/// A backend's own Android set-up. The engine looks for its files again in each build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AndroidSetup {
    /// The folder that the set-up fills.
    pub folder: PathBuf,
    /// The command line that fills the folder, for messages to the user.
    pub command: String,
}

impl AndroidSetup {
    /// Folder of the NDK. If it exists, it is complete.
    pub fn ndk(&self) -> PathBuf {
        self.folder.join("ndk")
    }

    /// Path of the cargo-ndk program.
    pub fn cargo_ndk(&self) -> PathBuf {
        self.folder.join("bin").join("cargo-ndk")
    }
}

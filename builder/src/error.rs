//! Why the engine can't start.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why the engine can't start on this machine.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The work folder can't be used.
    #[error("can't use the work folder {folder}: {source}")]
    Work {
        /// Path of the work folder.
        folder: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// No cargo was found on this machine.
    #[error(
        "there is no cargo in PATH or ~/.cargo/bin: install Rust from https://rustup.rs, or give cargo's path in the settings"
    )]
    NoCargo,
    /// `rustc` failed or can't be run; the text is its own message.
    #[error("the Rust toolchain doesn't work: {0}")]
    Toolchain(String),
}

//! Why a machine can't build.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why an engine can't be had.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The work folder can't be used.
    #[error("can't use the work folder {folder}: {source}")]
    Work {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no cargo.
    #[error("there is no cargo in PATH or ~/.cargo/bin: install Rust from https://rustup.rs, or name cargo's program")]
    NoCargo,
    /// The toolchain doesn't answer.
    #[error("the Rust toolchain can't be used: {0}")]
    Toolchain(String),
}

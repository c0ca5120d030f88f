//! The engine of cargo-cloud. It takes a source archive with a request, and produces events and an ending: it unpacks the
//! source, runs cargo and packs what was built. It knows nothing of AWS or HTTP, and schedules nothing.
//!
//! A backend calls [`supervisor_main_if_asked`] and [`harden_process`] at the beginning of `main`, creates one [`Engine`]
//! and calls [`Engine::run`] for each attempt.

mod archive;
mod artifact;
mod attempt;
mod cache;
mod cargo;
mod config;
mod engine;
mod environment;
mod error;
mod executable;
mod fingerprints;
mod hardening;
mod install_root;
pub mod lifecycle;
mod output;
mod plan;
mod project;
mod source;
mod stream;
mod supervisor;
mod tools;

pub use attempt::{Attempt, Ending, History};
pub use cache::{Cache, CachedProject, FolderCache, Freed, Unsaved};
pub use config::{AndroidSetup, EngineConfig};
pub use engine::Engine;
pub use error::EngineError;
pub use hardening::harden_process;
pub use supervisor::supervisor_main_if_asked;
pub use tools::find_tool;

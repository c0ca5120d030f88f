//! The engine of cargo-cloud: a source archive and a request in, events and an ending out. It unpacks, plans, runs
//! cargo and packs what was built; it knows no AWS, no HTTP and no schedule.
//!
//! A backend calls [`supervisor_main_if_asked`] and [`harden_process`] first thing in `main`, makes one [`Engine`] and
//! calls [`Engine::run`] for each attempt.

mod archive;
mod attempt;
mod build;
mod cache;
mod cargo;
mod config;
mod engine;
mod environment;
mod error;
mod executable;
mod harden;
mod hex;
mod install;
pub mod lifecycle;
mod members;
mod output;
mod packed;
mod packing;
mod plan;
mod products;
mod project;
mod selection;
mod source;
mod stream;
mod supervisor;
mod tools;

pub use attempt::{Attempt, Ending, History};
pub use cache::{Cache, CachedProject, FolderCache, Freed, Unsaved};
pub use config::{AndroidSetup, EngineConfig};
pub use engine::Engine;
pub use error::EngineError;
pub use harden::harden_process;
pub use supervisor::supervisor_main_if_asked;
pub use tools::find_tool;

//! The suite's tools: a backend to run against, the client as a person starts it, projects to build, and the means to
//! disturb all three. The scenarios are in `tests/`; they know no backend but through [`ScenarioBackend`].

#![allow(clippy::panic, reason = "a disappointed expectation is what this crate reports")]

pub mod android;
mod backend;
mod binaries;
mod client;
mod network;
mod processes;
mod project;
mod raw;
mod registry;
pub mod side_by_side;
mod tls;
mod waiting;

pub use backend::{BackendKind, Control, ScenarioBackend, ScenarioOptions};
pub use binaries::{backend_binary, client_binary};
pub use client::{Run, RunningClient, ScenarioClient, output_of};
pub use network::{Cut, Proxy};
pub use processes::mentioning;
pub use project::{ScenarioProject, library, program};
pub use raw::{OwnerCredentials, RawArchive, RawClient, RawReply, RawSocket};
pub use registry::{Crate, Registry, ServedRepository};
pub use tls::Tls;
pub use waiting::until;

//! The tools of the suite: a backend to run against, the client as a person starts it, projects to build, and ways to
//! disturb all three. The scenarios in `tests/` use a backend only through [`ScenarioBackend`].

#![allow(clippy::panic, reason = "this crate reports failed expectations")]

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

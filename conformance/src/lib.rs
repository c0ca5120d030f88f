//! The suite's tools: a backend to run against, the client as a person starts it, projects to build, and the means to
//! disturb all three. The scenarios are in `tests/`; they know no backend but through [`Backend`].

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

pub use backend::{Backend, Control, Kind, Options};
pub use binaries::{backend_binary, client_binary};
pub use client::{Client, Run, Running, output_of};
pub use network::{Cut, Proxy};
pub use processes::mentioning;
pub use project::{Project, library, program};
pub use raw::{Archive, Credentials, Raw, Reply, Socket};
pub use registry::{Crate, Registry, Repository};
pub use tls::Tls;
pub use waiting::until;

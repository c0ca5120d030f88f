//! The embedded backend of cargo-cloud: the whole platform in one process. Clients send sources over an S3 interface,
//! builds wait in a queue, and followers read cargo's output on a WebSocket.

mod backend;
mod builds;
mod client_config;
mod data;
mod files;
mod http;
mod keys;
mod objects;
mod options;
mod request_body;
mod s3;
mod service;
mod setup;
mod socket;

pub use backend::{ConfiguredClient, LocalBackend, reachable};
pub use client_config::ClientConfigError;
pub use data::{DataError, DataFolder};
pub use keys::{AccessKey, Keys, KeysError};
pub use options::{BackendCommand, ClientConfig, CommandLine, Options, ServiceOptions, Setup};
pub use service::install as install_service;
pub use setup::{Abi, AndroidOptions, android as setup_android};

//! A build from the client's side: planned, packed and sent, followed, and what it made delivered.

pub mod deliver;
pub mod detached;
pub mod job;
pub mod plan;
pub mod send;
mod session;
mod targets;

pub use session::Session;
pub use targets::Targets;

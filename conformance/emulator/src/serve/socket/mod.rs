//! API Gateway's WebSocket API at `/execute-api/<api>/<stage>`, and `@connections`, by which functions post to clients.

mod address;
mod connection;
mod connections;
mod event;
mod gateway;
mod handshake;
mod integration;
mod management;
mod reply;
mod routes;
mod session;
mod signer;
mod throttle;

pub use address::StageAddress;
pub use gateway::Gateway;
pub use handshake::{Arrival, connect};
pub use management::{call, manage};

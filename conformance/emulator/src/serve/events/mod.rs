//! EventBridge: buses receive events, and their rules hand them to functions.

mod bus;
mod put;

pub use bus::EventBus;
pub use put::{calls, put};

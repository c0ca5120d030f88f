//! Code that the Lambdas share: environment, logs, calls of AWS, the payload of `compile`, WebSocket events, the table,
//! and the cost of builds.

pub mod aws;
pub mod environment;
pub mod logs;
pub mod payload;
pub mod socket;
pub mod table;
pub mod usage;

pub use environment::{MissingVariable, variable};
pub use payload::NextAttempt;
pub use table::Table;

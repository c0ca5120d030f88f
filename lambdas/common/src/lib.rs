//! What the Lambdas share: their environment, their logs, the way they call AWS, the table, and what builds cost.

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

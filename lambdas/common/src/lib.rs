//! What the Lambdas share: their environment, their logs, the way they call AWS, and the table.

pub mod aws;
pub mod environment;
pub mod logs;
pub mod table;

pub use environment::{MissingVariable, variable};
pub use table::Table;

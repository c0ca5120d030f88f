//! One file a verb, and what they share.

mod build;
mod completion;
mod package;
mod plan;
mod sending;

pub use build::build;
pub use package::package;

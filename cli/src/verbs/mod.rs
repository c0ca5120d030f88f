//! One file a verb, and what they share.

mod build;
mod completion;
mod configure;
mod doctor;
mod environment;
mod execution;
mod package;
mod plan;
pub mod sending;
mod session;

pub use build::build;
pub use configure::configure;
pub use doctor::doctor;
pub use package::package;

//! One file a verb, and what they share.

mod build;
mod completion;
mod configure;
mod doctor;
mod environment;
mod execution;
mod fetching;
mod install;
mod package;
mod plan;
pub mod sending;
mod session;
mod uninstall;

pub use build::build;
pub use configure::configure;
pub use doctor::doctor;
pub use install::install;
pub use package::package;
pub use uninstall::uninstall;

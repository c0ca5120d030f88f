//! One file a verb, and what they share.

mod adoption;
mod attach;
mod build;
mod builds;
mod cancel;
mod clean;
mod completion;
mod configure;
mod detached;
mod doctor;
mod environment;
mod execution;
mod fetching;
mod install;
mod logs;
mod package;
mod plan;
pub mod sending;
mod session;
mod uninstall;
mod work;

pub use attach::attach;
pub use build::build;
pub use builds::builds;
pub use cancel::cancel;
pub use clean::clean;
pub use configure::configure;
pub use doctor::doctor;
pub use install::install;
pub use logs::logs;
pub use package::package;
pub use uninstall::uninstall;

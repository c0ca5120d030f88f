//! The verbs of the command line, a file each. What several share is in the pipeline.

mod attach;
mod build;
mod builds;
mod cancel;
mod clean;
mod configure;
mod doctor;
mod install;
mod logs;
mod package;
mod uninstall;

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

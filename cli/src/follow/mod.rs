//! Follows a build from its upload to its end: puts the backend's events in order and prints them.

mod build_log;
mod connection;
mod follower;
mod paths;
mod printer;
mod result_poll;
mod signal;
mod socket;

pub use build_log::BuildLog;
pub use connection::{HostConnection, HostPort};
pub use follower::{FollowMode, Followed, FollowedBuild, Follower};
pub use paths::DevicePaths;
pub use printer::Printer;
pub use socket::Endpoint;

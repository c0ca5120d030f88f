//! From the upload to the end of the build: what the backend says, in order, to the terminal.

mod follower;
mod line;
mod log;
mod paths;
mod poll;
mod printer;
mod signal;
mod socket;

pub use follower::{FollowMode, Followed, Follower, Subject};
pub use line::{HostPort, Line};
pub use log::Log;
pub use paths::DevicePaths;
pub use printer::Printer;
pub use socket::Endpoint;

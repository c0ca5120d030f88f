//! What the threads that listen to the backend report to the follower.

use protocol::{BuildResult, Frame};

/// Something that a thread has heard from the backend, or failed to hear.
#[derive(Debug)]
pub enum Signal {
    /// The WebSocket is open and ready for messages.
    Connected,
    /// A message with events has come.
    Frame(Frame),
    /// The WebSocket was closed, or could not be opened.
    Disconnected {
        /// The reason, in words for the user.
        why: String,
        /// Whether the backend refused it, so that trying again is unlikely to help.
        denied: bool,
    },
    /// The result of the build is in the bucket.
    Result(Box<BuildResult>),
    /// The bucket could not be read; the reason, for people.
    Unreachable(String),
    /// The bucket can be read again.
    Reachable,
}

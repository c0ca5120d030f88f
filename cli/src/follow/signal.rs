//! The reports of the threads that listen to the backend, sent to the follower.

use protocol::{BuildResult, Frame};

/// A report about the WebSocket or the bucket.
#[derive(Debug)]
pub enum Signal {
    /// The WebSocket is open and ready for messages.
    Connected,
    /// A message with events has arrived.
    Frame(Frame),
    /// The WebSocket was closed, or could not be opened.
    Disconnected {
        /// The reason, in words for the user.
        why: String,
        /// Whether the backend refused the connection, so that trying again is unlikely to help.
        denied: bool,
    },
    /// The result of the build is in the bucket.
    Result(Box<BuildResult>),
    /// The bucket could not be read; holds the reason in words for the user.
    Unreachable(String),
    /// The bucket can be read again.
    Reachable,
}

//! What the threads that listen tell the one that acts.

use protocol::{BuildResult, Frame};

/// Something that was heard.
#[derive(Debug)]
pub enum Signal {
    /// The socket stands.
    Connected,
    /// A message came.
    Frame(Frame),
    /// The socket is gone, or could not be had.
    Disconnected {
        /// Why, for people.
        why: String,
        /// Whether trying again by itself is unlikely to help.
        denied: bool,
    },
    /// The result lies in the bucket.
    Result(Box<BuildResult>),
    /// The bucket couldn't be asked.
    Unreachable(String),
    /// It could again.
    Reachable,
}

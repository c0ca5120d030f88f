//! What the backend can build, as it says itself.

use protocol::limits::MAX_CAPABILITIES_BYTES;
use protocol::{Capabilities, keys};

use super::Storage;

impl Storage {
    /// Asks the backend what it can build. `None` when it doesn't say, as an older one, or can't be reached: then it
    /// decides when the source is there.
    pub fn capabilities(&self) -> Option<Capabilities> {
        let json = self.read_small(keys::CAPABILITIES, "say what it can build", MAX_CAPABILITIES_BYTES).ok()??;
        serde_json::from_slice(&json).ok()
    }
}

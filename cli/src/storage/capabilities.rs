//! Asks the backend what it can build.

use protocol::limits::MAX_CAPABILITIES_BYTES;
use protocol::{Capabilities, keys};

use super::Storage;

impl Storage {
    /// Asks the backend what it can build. `None` if it is too old to answer or can't be reached. The backend then
    /// decides when it has the source.
    pub fn capabilities(&self) -> Option<Capabilities> {
        let json = self.read_small(keys::CAPABILITIES, "say what it can build", MAX_CAPABILITIES_BYTES).ok()??;
        serde_json::from_slice(&json).ok()
    }
}

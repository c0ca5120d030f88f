//! Builds that were begun before: which there are, what became of them, and what this device noted of its own.

mod find;
mod found;
mod recent;
mod record;

pub use find::{find, gone, short};
pub use found::{Found, State};
pub use recent::{Listed, list};
pub use record::{BuildRecord, Records};

use std::time::Duration;

/// Results, artifacts and logs are kept so long, by every backend.
pub const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

//! Builds that were begun before: which there are, where each is, and what this device recorded of its own.

mod find;
mod found;
mod recent;
mod record;

pub use find::{find, gone_message, short_id};
pub use found::{BuildState, FoundBuild, outcome_name};
pub use recent::{ListedBuild, list};
pub use record::{BuildRecord, BuildRecords};

use std::time::Duration;

/// How long every backend keeps results, artifacts and logs.
pub const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

//! The latest builds of an owner, from any device: told by what lies in the buckets.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use protocol::{BuildId, BuildSummary, Owner};

use super::KEPT;
use super::found::{Found, State};
use crate::storage::{Clock, Storage, StorageError};

/// Requests at a time.
const AT_A_TIME: usize = 8;

/// Where builds are looked for first: a week of someone who checks with every saved file is thousands.
const TODAY: Duration = Duration::from_secs(24 * 3600);

/// A build of a list.
#[derive(Debug)]
pub struct Listed {
    /// Which, and where it is.
    pub found: Found,
    /// What was asked for, as far as anyone knows.
    pub asked: Option<BuildSummary>,
}

/// What lies in the buckets of a build.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Traces {
    source: bool,
    output: bool,
}

/// The latest builds, at most `limit`, the newest first.
pub fn list(storage: &Storage, clock: &Clock, owner: &Owner, limit: usize) -> Result<Vec<Listed>, StorageError> {
    let mut builds = traces(storage, clock, owner, TODAY)?;
    if builds.len() < limit {
        builds = traces(storage, clock, owner, KEPT)?;
    }
    let chosen: Vec<_> = builds.into_iter().rev().take(limit).collect();
    let mut listed = examine_all(storage, owner, &chosen)?;
    listed.retain(|listed| !matches!(listed.found.state, State::Gone));
    Ok(listed)
}

/// The ids of all builds that there is anything of, the oldest first.
pub(super) fn ids(storage: &Storage, clock: &Clock, owner: &Owner) -> Result<Vec<BuildId>, StorageError> {
    Ok(traces(storage, clock, owner, KEPT)?.into_keys().collect())
}

fn traces(
    storage: &Storage,
    clock: &Clock,
    owner: &Owner,
    period: Duration,
) -> Result<BTreeMap<BuildId, Traces>, StorageError> {
    let period = u64::try_from(period.as_millis()).unwrap_or(u64::MAX);
    loop {
        let moved = clock.behind_ms();
        let since = clock.unix_ms().saturating_sub(period);
        let mut builds: BTreeMap<BuildId, Traces> = BTreeMap::new();
        for id in storage.sources_since(owner, since)? {
            builds.entry(id).or_default().source = true;
        }
        // Afterwards: what has ended between the two looks is then found as ended.
        for id in storage.outputs_since(owner, since)? {
            builds.entry(id).or_default().output = true;
        }
        // The first answer tells what time it is.
        if clock.behind_ms() == moved {
            return Ok(builds);
        }
    }
}

fn examine_all(storage: &Storage, owner: &Owner, builds: &[(BuildId, Traces)]) -> Result<Vec<Listed>, StorageError> {
    let next = AtomicUsize::new(0);
    let results: Mutex<BTreeMap<usize, Result<Listed, StorageError>>> = Mutex::default();
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME.min(builds.len()) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some((id, traces)) = builds.get(at) else { return };
                    let listed = examine(storage, owner, id, *traces);
                    results.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).insert(at, listed);
                }
            });
        }
    });
    results.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()).into_values().collect()
}

fn examine(storage: &Storage, owner: &Owner, id: &BuildId, traces: Traces) -> Result<Listed, StorageError> {
    let result = if traces.output { storage.result(owner, id)? } else { None };
    let told = result.as_ref().and_then(|result| result.summary.clone());
    let metadata = if told.is_none() && traces.source { storage.source_metadata(owner, id)? } else { None };
    let asked = told.or_else(|| BuildSummary::of(metadata.as_ref()?));
    let state = match (result, metadata, traces.output) {
        (Some(result), _, _) => State::Ended(result),
        (None, Some(_), begun) => State::Going { begun, asked: asked.clone() },
        (None, None, true) => State::Ending,
        (None, None, false) => State::Gone,
    };
    Ok(Listed { found: Found { id: id.clone(), state }, asked })
}

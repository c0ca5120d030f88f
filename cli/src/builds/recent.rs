//! Lists the latest builds of an owner, from all devices, by what is in the buckets.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use protocol::{BuildId, BuildSummary, Owner};

use super::KEPT;
use super::found::{BuildState, FoundBuild};
use crate::storage::{Clock, Storage, StorageError};

/// How many requests are under way at the same time.
const AT_A_TIME: usize = 8;

/// The period that is looked at first: a week of somebody who checks with every saved file is thousands of builds.
const TODAY: Duration = Duration::from_secs(24 * 3600);

/// A build in a list.
#[derive(Debug)]
pub struct ListedBuild {
    /// The build and its state.
    pub found: FoundBuild,
    /// What was requested, if result or metadata can be read.
    pub summary: Option<BuildSummary>,
}

/// Which objects of a build are in the buckets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct BuildObjects {
    source: bool,
    output: bool,
}

/// The latest builds, at most `limit`, newest first.
///
/// # Errors
/// If the backend can't be reached or refuses.
pub fn list(storage: &Storage, clock: &Clock, owner: &Owner, limit: usize) -> Result<Vec<ListedBuild>, StorageError> {
    let mut builds = objects(storage, clock, owner, TODAY)?;
    if builds.len() < limit {
        builds = objects(storage, clock, owner, KEPT)?;
    }
    let chosen: Vec<_> = builds.into_iter().rev().take(limit).collect();
    let mut listed = examine_all(storage, owner, &chosen)?;
    listed.retain(|listed| !matches!(listed.found.state, BuildState::Gone));
    Ok(listed)
}

/// The ids of all builds that have objects in the buckets, oldest first.
///
/// # Errors
/// If the backend can't be reached or refuses.
pub(super) fn ids(storage: &Storage, clock: &Clock, owner: &Owner) -> Result<Vec<BuildId>, StorageError> {
    Ok(objects(storage, clock, owner, KEPT)?.into_keys().collect())
}

fn objects(
    storage: &Storage,
    clock: &Clock,
    owner: &Owner,
    period: Duration,
) -> Result<BTreeMap<BuildId, BuildObjects>, StorageError> {
    let period = u64::try_from(period.as_millis()).unwrap_or(u64::MAX);
    loop {
        let moved = clock.behind_ms();
        let since = clock.unix_ms().saturating_sub(period);
        let mut builds: BTreeMap<BuildId, BuildObjects> = BTreeMap::new();
        for id in storage.sources_since(owner, since)? {
            builds.entry(id).or_default().source = true;
        }
        // After the sources: a build that ends between the two requests is then found as ended.
        for id in storage.outputs_since(owner, since)? {
            builds.entry(id).or_default().output = true;
        }
        // The first answer corrects the clock; then the period is another one.
        if clock.behind_ms() == moved {
            return Ok(builds);
        }
    }
}

fn examine_all(
    storage: &Storage,
    owner: &Owner,
    builds: &[(BuildId, BuildObjects)],
) -> Result<Vec<ListedBuild>, StorageError> {
    let next = AtomicUsize::new(0);
    let results: Mutex<BTreeMap<usize, Result<ListedBuild, StorageError>>> = Mutex::default();
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME.min(builds.len()) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some((id, objects)) = builds.get(at) else { return };
                    let listed = examine(storage, owner, id, *objects);
                    results.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).insert(at, listed);
                }
            });
        }
    });
    results.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()).into_values().collect()
}

fn examine(storage: &Storage, owner: &Owner, id: &BuildId, objects: BuildObjects) -> Result<ListedBuild, StorageError> {
    let result = if objects.output { storage.result(owner, id)? } else { None };
    let from_result = result.as_ref().and_then(|result| result.summary.clone());
    let metadata = if from_result.is_none() && objects.source { storage.source_metadata(owner, id)? } else { None };
    let summary = from_result.or_else(|| BuildSummary::of(metadata.as_ref()?));
    let state = match (result, metadata, objects.output) {
        (Some(result), _, _) => BuildState::Ended(result),
        (None, Some(_), started) => BuildState::Unfinished { started, summary: summary.clone() },
        (None, None, true) => BuildState::Ending,
        (None, None, false) => BuildState::Gone,
    };
    Ok(ListedBuild { found: FoundBuild { id: id.clone(), state }, summary })
}

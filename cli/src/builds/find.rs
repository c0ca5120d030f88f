//! Finds a build by its id or a part of it.

use anyhow::bail;
use protocol::{BuildId, Owner};

use super::found::{BuildState, FoundBuild};
use super::{KEPT, recent};
use crate::storage::{Clock, Storage};

/// The fewest characters of an id that can be looked for.
const MIN_PART: usize = 4;

/// The end of an id. It differs between builds of the same minute; the beginning, which is the time, doesn't.
pub fn short_id(id: &BuildId) -> &str {
    let id = id.as_str();
    &id[id.len().saturating_sub(8)..]
}

/// Finds a build by its id, or by the beginning or end of it.
///
/// # Errors
/// If there is no such build, or more than one, or the backend can't be reached.
pub fn find(storage: &Storage, clock: &Clock, owner: &Owner, text: &str) -> anyhow::Result<FoundBuild> {
    let id = match text.parse::<BuildId>() {
        Ok(id) => id,
        Err(_) => resolve(text, &candidates(storage, clock, owner, text)?, owner)?,
    };
    let found = FoundBuild::by_id(storage, owner, &id)?;
    if matches!(found.state, BuildState::Gone) {
        bail!("{}", gone_message(&id, clock.unix_ms(), owner));
    }
    Ok(found)
}

fn candidates(storage: &Storage, clock: &Clock, owner: &Owner, text: &str) -> anyhow::Result<Vec<BuildId>> {
    if !is_part(text) {
        let text: String = text.chars().take(40).collect();
        bail!(
            "`{}` is no build's id, nor the beginning or end of one ({MIN_PART} characters or more, of 0-9 and a-f); \
             `cargo cloud builds` lists the ids",
            text.escape_debug()
        );
    }
    Ok(recent::ids(storage, clock, owner)?)
}

/// Whether a text could be a part of an id.
pub(super) fn is_part(text: &str) -> bool {
    (MIN_PART..36).contains(&text.len()) && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f' | b'-'))
}

/// Whether an id begins or ends with this text.
pub(super) fn matches(part: &str, id: &BuildId) -> bool {
    id.as_str().starts_with(part) || id.as_str().ends_with(part)
}

fn resolve(part: &str, ids: &[BuildId], owner: &Owner) -> anyhow::Result<BuildId> {
    let matching: Vec<_> = ids.iter().rev().filter(|id| matches(part, id)).collect();
    match matching.as_slice() {
        [one] => Ok((*one).clone()),
        [] => bail!(
            "no build of owner `{owner}` begins or ends with `{part}` (results are kept for 7 days); `cargo cloud builds` \
             lists the builds there are"
        ),
        many => {
            let list = many.iter().take(5).map(|id| format!("\n  {id}")).collect::<String>();
            bail!("{} builds begin or end with `{part}`; type more characters:{list}", many.len())
        }
    }
}

/// Why nothing is known of a build: it has expired, or it never was.
pub fn gone_message(id: &BuildId, now_ms: u64, owner: &Owner) -> String {
    let age = now_ms.saturating_sub(id.unix_ms());
    if u128::from(age) > KEPT.as_millis() {
        let days = age / (24 * 3600 * 1000);
        return format!(
            "the build `{id}` has expired: it began {days} days ago, and results, logs and artifacts are kept for 7 days"
        );
    }
    format!("owner `{owner}` has no build `{id}`; `cargo cloud builds` lists the builds there are")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_names_one_build_or_none() {
        let ids = [BuildId::new(0x0192_3456_0000, [0x11; 10]), BuildId::new(0x0192_3456_ffff, [0x22; 10])];
        let owner = Owner::default();
        let resolve = |part: &str| resolve(part, &ids, &owner).map_err(|error| error.to_string());
        assert_eq!(resolve(short_id(&ids[1])).as_ref(), Ok(&ids[1]));
        assert_eq!(resolve("01923456-0").as_ref(), Ok(&ids[0]));
        assert!(resolve("01923456").unwrap_err().contains(ids[0].as_str()));
        assert!(resolve("abcdef").unwrap_err().contains("cargo cloud builds"));
        for (text, part) in [("1234", true), ("0-12", true), ("123", false), ("../x", false), ("ABCD", false)] {
            assert_eq!(is_part(text), part, "{text}");
        }
    }

    #[test]
    fn an_expired_build_is_told_from_one_that_never_was() {
        let day = 24 * 3600 * 1000;
        let id = BuildId::new(100 * day, [1; 10]);
        let message = |now| gone_message(&id, now, &Owner::default());
        assert!(message(110 * day).contains("expired: it began 10 days ago"));
        assert!(message(101 * day).contains("owner `me` has no build"));
        assert!(message(0).contains("has no build"));
    }
}

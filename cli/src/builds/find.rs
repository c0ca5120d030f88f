//! A build by a part of its id.

use anyhow::bail;
use protocol::{BuildId, Owner};

use super::found::{Found, State};
use super::{KEPT, recent};
use crate::storage::{Clock, Storage};

/// A part of an id is at least so long.
const MIN_PART: usize = 4;

/// The end of an id: it differs where the beginning, which is a time, does not.
pub fn short(id: &BuildId) -> &str {
    let id = id.as_str();
    &id[id.len().saturating_sub(8)..]
}

/// Finds a build by its id, or by the beginning or end of it.
///
/// # Errors
/// When there is no such build, or more than one.
pub fn find(storage: &Storage, clock: &Clock, owner: &Owner, text: &str) -> anyhow::Result<Found> {
    let id = match text.parse::<BuildId>() {
        Ok(id) => id,
        Err(_) => resolve(text, &candidates(storage, clock, owner, text)?, owner)?,
    };
    let found = Found::by_id(storage, owner, &id)?;
    if matches!(found.state, State::Gone) {
        bail!("{}", gone(&id, clock.unix_ms(), owner));
    }
    Ok(found)
}

fn candidates(storage: &Storage, clock: &Clock, owner: &Owner, text: &str) -> anyhow::Result<Vec<BuildId>> {
    if !is_part(text) {
        let text: String = text.chars().take(40).collect();
        bail!(
            "`{}` is no build's id, nor the beginning or end of one ({MIN_PART} characters or more, of 0-9 and a-f); \
             `cargo cloud builds` lists them",
            text.escape_debug()
        );
    }
    Ok(recent::ids(storage, clock, owner)?)
}

/// Whether it could be a part of an id.
pub(super) fn is_part(text: &str) -> bool {
    (MIN_PART..36).contains(&text.len()) && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f' | b'-'))
}

/// Whether an id begins or ends so.
pub(super) fn is_of(part: &str, id: &BuildId) -> bool {
    id.as_str().starts_with(part) || id.as_str().ends_with(part)
}

fn resolve(part: &str, ids: &[BuildId], owner: &Owner) -> anyhow::Result<BuildId> {
    let fitting: Vec<_> = ids.iter().rev().filter(|id| is_of(part, id)).collect();
    match fitting.as_slice() {
        [one] => Ok((*one).clone()),
        [] => bail!(
            "no build of owner `{owner}` begins or ends with `{part}` (results are kept for 7 days); `cargo cloud builds` \
             lists those there are"
        ),
        many => {
            let list = many.iter().take(5).map(|id| format!("\n  {id}")).collect::<String>();
            bail!("{} builds begin or end with `{part}`; type more of it:{list}", many.len())
        }
    }
}

/// Why there is nothing of a build.
pub fn gone(id: &BuildId, now_ms: u64, owner: &Owner) -> String {
    let age = now_ms.saturating_sub(id.unix_ms());
    if u128::from(age) > KEPT.as_millis() {
        let days = age / (24 * 3600 * 1000);
        return format!(
            "the build `{id}` has expired: it began {days} days ago, and results, logs and artifacts are kept for 7 days"
        );
    }
    format!("owner `{owner}` has no build `{id}`; `cargo cloud builds` lists those there are")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_names_one_build_or_none() {
        let ids = [BuildId::new(0x0192_3456_0000, [0x11; 10]), BuildId::new(0x0192_3456_ffff, [0x22; 10])];
        let owner = Owner::default();
        let resolve = |part: &str| resolve(part, &ids, &owner).map_err(|error| error.to_string());
        assert_eq!(resolve(short(&ids[1])).as_ref(), Ok(&ids[1]));
        assert_eq!(resolve("01923456-0").as_ref(), Ok(&ids[0]));
        assert!(resolve("01923456").unwrap_err().contains(ids[0].as_str()));
        assert!(resolve("abcdef").unwrap_err().contains("cargo cloud builds"));
        for (text, part) in [("1234", true), ("0-12", true), ("123", false), ("../x", false), ("ABCD", false)] {
            assert_eq!(is_part(text), part, "{text}");
        }
    }

    #[test]
    fn what_has_expired_is_told_from_what_never_was() {
        let day = 24 * 3600 * 1000;
        let id = BuildId::new(100 * day, [1; 10]);
        let said = |now| gone(&id, now, &Owner::default());
        assert!(said(110 * day).contains("expired: it began 10 days ago"));
        assert!(said(101 * day).contains("owner `me` has no build"));
        assert!(said(0).contains("has no build"));
    }
}

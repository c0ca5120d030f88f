//! Lists the objects of a bucket in the order of their keys, as S3 does.

use std::fs;
use std::io;
use std::path::Path;

use super::key::SIDECAR;
use super::{BucketKind, Object, ObjectKey, Objects, blocking, describe};

/// Part of a listing, in the order of keys.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub objects: Vec<(ObjectKey, Object)>,
    /// Up to and with the delimiter.
    pub folders: Vec<String>,
    /// Where the next part begins after, if there is more.
    pub next: Option<String>,
}

impl Objects {
    /// Lists what begins with `prefix`, after the key `after`, at most `limit` keys and folders. `folder` (an owner's)
    /// is the first part of the prefix.
    pub async fn list(
        &self,
        bucket: BucketKind,
        folder: &str,
        prefix: String,
        delimiter: Option<String>,
        after: String,
        limit: usize,
    ) -> io::Result<Listing> {
        let root = self.root.join(bucket.name());
        let folder = folder.to_owned();
        blocking(move || {
            let mut keys = Vec::new();
            walk(&root.join(&folder), &folder, &mut keys)?;
            keys.sort_unstable();
            let selected = select(keys, &prefix, delimiter.as_deref(), &after, limit);
            let mut listing = Listing { folders: selected.folders, next: selected.next, ..Listing::default() };
            for key in selected.keys {
                // One that was deleted since is left out.
                if let (Ok(key), Some(object)) = (key.parse(), describe(root.join(&key))?) {
                    listing.objects.push((key, object));
                }
            }
            Ok(listing)
        })
        .await
    }
}

fn walk(folder: &Path, key: &str, keys: &mut Vec<String>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let key = format!("{key}/{name}");
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), &key, keys)?;
        } else if !name.ends_with(SIDECAR) {
            keys.push(key);
        }
    }
    Ok(())
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Selected {
    keys: Vec<String>,
    folders: Vec<String>,
    next: Option<String>,
}

/// S3's rules for a listing, on sorted keys.
fn select(keys: Vec<String>, prefix: &str, delimiter: Option<&str>, after: &str, limit: usize) -> Selected {
    let mut selected = Selected::default();
    let mut last = String::new();
    for key in keys {
        let Some(rest) = key.strip_prefix(prefix) else { continue };
        let delimiter = delimiter.filter(|delimiter| !delimiter.is_empty());
        let folder = delimiter.and_then(|d| rest.find(d).map(|at| key[..prefix.len() + at + d.len()].to_owned()));
        let entry = folder.as_ref().unwrap_or(&key);
        if entry.as_str() <= after || *entry == last {
            continue;
        }
        if selected.keys.len() + selected.folders.len() >= limit {
            selected.next = Some(last);
            break;
        }
        last.clone_from(entry);
        match folder {
            Some(folder) => selected.folders.push(folder),
            None => selected.keys.push(key),
        }
    }
    selected
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Vec<String> {
        ["me/a/1/log", "me/a/result", "me/b/result", "me/c"].map(str::to_owned).to_vec()
    }

    #[test]
    fn pages_follow_one_another_without_loss() {
        let mut after = String::new();
        let mut seen = Vec::new();
        loop {
            let page = select(keys(), "me/", None, &after, 3);
            seen.extend(page.keys);
            match page.next {
                Some(next) => after = next,
                None => break,
            }
        }
        assert_eq!(seen, keys());
    }

    #[test]
    fn folders_are_told_once_also_across_pages() {
        let first = select(keys(), "me/", Some("/"), "", 1);
        assert_eq!((first.folders, first.next.as_deref()), (vec!["me/a/".to_owned()], Some("me/a/")));
        let second = select(keys(), "me/", Some("/"), "me/a/", 10);
        assert_eq!((second.folders, second.keys), (vec!["me/b/".to_owned()], vec!["me/c".to_owned()]));
        assert_eq!(second.next, None);
        assert_eq!(select(keys(), "me/a/r", None, "", 10).keys, ["me/a/result"]);
    }
}

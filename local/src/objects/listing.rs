//! Lists the objects of a bucket in the order of their keys, as S3 does.

use std::fs;
use std::io;
use std::path::Path;

use protocol::Owner;

use super::key::SIDECAR;
use super::{BucketKind, Object, ObjectKey, Objects, blocking, describe};

/// Which objects of a bucket to list.
#[derive(Debug, Clone)]
pub(crate) struct ListQuery {
    /// The owner's folder, which is the first part of `prefix`.
    pub folder: String,
    /// Only keys that begin with this text are listed.
    pub prefix: String,
    /// Keys that contain this text after the prefix are grouped into one folder, which ends with it.
    pub delimiter: Option<String>,
    /// Only keys after this one are listed.
    pub after: String,
    /// The most keys and folders to list.
    pub limit: usize,
}

impl ListQuery {
    /// A query for all objects of an owner.
    pub fn all_of(owner: &Owner) -> Self {
        let (folder, prefix) = (owner.to_string(), format!("{owner}/"));
        Self { folder, prefix, delimiter: None, after: String::new(), limit: usize::MAX }
    }
}

/// One page of a listing, in the order of keys.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub objects: Vec<(ObjectKey, Object)>,
    /// Common prefixes, each up to and including the delimiter.
    pub folders: Vec<String>,
    /// The key or folder after which the next page begins; none on the last page.
    pub next: Option<String>,
}

impl Objects {
    /// Lists objects of a bucket, sorted by key.
    pub async fn list(&self, bucket: BucketKind, query: ListQuery) -> io::Result<Listing> {
        let root = self.root.join(bucket.name());
        blocking(move || {
            let mut keys = Vec::new();
            walk(&root.join(&query.folder), &query.folder, &mut keys)?;
            keys.sort_unstable();
            let selected = select(keys, &query);
            let mut listing = Listing { folders: selected.folders, next: selected.next, ..Listing::default() };
            for key in selected.keys {
                // An object that was deleted in the meantime is left out.
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

/// Applies S3's rules for a listing to sorted keys.
fn select(keys: Vec<String>, query: &ListQuery) -> Selected {
    let ListQuery { prefix, delimiter, after, limit, .. } = query;
    let delimiter = delimiter.as_deref().filter(|delimiter| !delimiter.is_empty());
    let mut selected = Selected::default();
    let mut last = String::new();
    for key in keys {
        let Some(rest) = key.strip_prefix(prefix.as_str()) else { continue };
        let folder = delimiter.and_then(|d| rest.find(d).map(|at| key[..prefix.len() + at + d.len()].to_owned()));
        let entry = folder.as_ref().unwrap_or(&key);
        if *entry <= *after || *entry == last {
            continue;
        }
        if selected.keys.len() + selected.folders.len() >= *limit {
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

    fn list(prefix: &str, delimiter: Option<&str>, after: &str, limit: usize) -> Selected {
        let query = ListQuery {
            prefix: prefix.to_owned(),
            delimiter: delimiter.map(str::to_owned),
            after: after.to_owned(),
            limit,
            ..ListQuery::all_of(&Owner::default())
        };
        select(keys(), &query)
    }

    #[test]
    fn consecutive_pages_list_every_key() {
        let mut after = String::new();
        let mut seen = Vec::new();
        loop {
            let page = list("me/", None, &after, 3);
            seen.extend(page.keys);
            match page.next {
                Some(next) => after = next,
                None => break,
            }
        }
        assert_eq!(seen, keys());
    }

    #[test]
    fn a_folder_is_listed_once_across_pages() {
        let first = list("me/", Some("/"), "", 1);
        assert_eq!((first.folders, first.next.as_deref()), (vec!["me/a/".to_owned()], Some("me/a/")));
        let second = list("me/", Some("/"), "me/a/", 10);
        assert_eq!((second.folders, second.keys), (vec!["me/b/".to_owned()], vec!["me/c".to_owned()]));
        assert_eq!(second.next, None);
        assert_eq!(list("me/a/r", None, "", 10).keys, ["me/a/result"]);
    }
}

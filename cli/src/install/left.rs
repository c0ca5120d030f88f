//! What was last left in a target directory, so that an artifact that is there already is not fetched again: a
//! development build's program can have a hundred megabytes.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Beside what cargo keeps there.
const RECORD: &str = ".cargo-cloud-left";

/// The files that `artifact` (whatever names it) was unpacked to below `folder`, if each still is as it was left.
pub fn is_there(folder: &Path, artifact: &str) -> Option<Vec<PathBuf>> {
    let record = fs::read_to_string(folder.join(RECORD)).ok()?;
    let mut lines = record.lines();
    if lines.next() != Some(artifact) {
        return None;
    }
    let mut places = Vec::new();
    for line in lines {
        let (state, path) = line.split_once(' ')?;
        let place = folder.join(path);
        if state_of(&place).ok()? != state {
            return None;
        }
        places.push(place);
    }
    (!places.is_empty()).then_some(places)
}

/// Notes that `artifact` was unpacked to `places`, all below `folder`.
pub fn record(folder: &Path, artifact: &str, places: &[PathBuf]) -> io::Result<()> {
    let mut text = format!("{artifact}\n");
    for place in places {
        match place.strip_prefix(folder).ok().and_then(Path::to_str).filter(|path| !path.contains('\n')) {
            Some(path) => text.push_str(&format!("{} {path}\n", state_of(place)?)),
            // What can't be written down is fetched again.
            None => return Ok(()),
        }
    }
    fs::write(folder.join(RECORD), text)
}

/// Changes when the file does, as cargo and make see it.
fn state_of(place: &Path) -> io::Result<String> {
    let there = fs::symlink_metadata(place)?;
    Ok(format!("{}:{}.{:09}:{}", there.len(), there.mtime(), there.mtime_nsec(), there.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_is_known_until_anything_differs() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("debug tool");
        fs::write(&place, "one").unwrap();
        assert_eq!(is_there(folder.path(), "a"), None);
        record(folder.path(), "a", std::slice::from_ref(&place)).unwrap();
        assert_eq!(is_there(folder.path(), "a"), Some(vec![place.clone()]));
        assert_eq!(is_there(folder.path(), "b"), None);
        fs::write(&place, "three").unwrap();
        assert_eq!(is_there(folder.path(), "a"), None);
        fs::remove_file(&place).unwrap();
        assert_eq!(is_there(folder.path(), "a"), None);
    }
}

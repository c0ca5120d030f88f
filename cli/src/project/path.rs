//! Paths as cargo handles them: `..` is resolved in the text, without looking at the disk.

use std::path::{Component, Path, PathBuf};

/// The path without its `.` and `..` parts.
pub fn normalize(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}

/// The path from folder `base` to `path`, with `..` where needed. Both must be absolute and normalized.
pub fn relative(base: &Path, path: &Path) -> PathBuf {
    let common = common_ancestor(base, path);
    let up = base.strip_prefix(&common).map_or(0, |rest| rest.components().count());
    let down = path.strip_prefix(&common).unwrap_or(path);
    let mut out: PathBuf = std::iter::repeat_n("..", up).collect();
    out.push(down);
    out
}

/// The deepest folder that contains both paths or is one of them.
pub fn common_ancestor(a: &Path, b: &Path) -> PathBuf {
    a.components().zip(b.components()).take_while(|(x, y)| x == y).map(|(x, _)| x).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_resolved_without_the_disk() {
        assert_eq!(normalize(Path::new("/a/./b/../../c")), Path::new("/c"));
        assert_eq!(normalize(Path::new("/../a")), Path::new("/a"));
        assert_eq!(relative(Path::new("/a/b"), Path::new("/a/c/d")), Path::new("../c/d"));
        assert_eq!(relative(Path::new("/a"), Path::new("/a")), Path::new(""));
        assert_eq!(common_ancestor(Path::new("/a/bc"), Path::new("/a/b")), Path::new("/a"));
    }
}

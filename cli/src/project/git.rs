//! The git repository around a folder.

use std::path::{Path, PathBuf};

/// The root of the work tree that contains `folder`.
pub fn repository_root(folder: &Path) -> Option<PathBuf> {
    folder.ancestors().find(|ancestor| ancestor.join(".git").exists()).map(Path::to_path_buf)
}

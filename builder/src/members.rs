//! The packages of a git repository, compiled anew. Cargo takes every file of its home for unchangeable, and a package has
//! the same hash in each checkout of its repository: so with a target directory that is kept, `cargo install --git` would
//! take what it has compiled of one commit for that of another. (Tried with cargo 1.95; by itself it has a new target
//! directory each time.)

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::project::remove;

/// Where cargo notes, below a profile's folder, what is up to date.
const FINGERPRINTS: &str = ".fingerprint";

/// Makes cargo forget that the workspace's own packages are up to date. What they depend on stays.
pub(crate) fn forget(target: &Path) -> io::Result<()> {
    let mut found = false;
    for profile in folders(target).into_iter().flat_map(|folder| [folders(&folder), vec![folder]].concat()) {
        let fingerprints = profile.join(FINGERPRINTS);
        if !fingerprints.is_dir() {
            continue;
        }
        found = true;
        let mut hashes = BTreeSet::new();
        let build_scripts = folders(&profile.join("build"));
        for folder in build_scripts.into_iter().chain([profile.join("deps"), profile.join("examples")]) {
            hashes.extend(files(&folder).iter().filter_map(|file| hash_of_member(file)));
        }
        for folder in folders(&fingerprints) {
            if hash(&folder).is_some_and(|hash| hashes.contains(hash)) {
                remove(&folder)?;
            }
        }
    }
    // A layout that nobody here knows yet.
    if found { Ok(()) } else { remove(target) }
}

/// The hash of a unit of the workspace, out of the file in which rustc lists its sources: cargo names those of the
/// workspace from its root, and all others by their whole path.
fn hash_of_member(file: &Path) -> Option<String> {
    if file.extension()? != "d" {
        return None;
    }
    let text = fs::read_to_string(file).ok()?;
    let mut sources = text.lines().filter_map(|line| line.strip_suffix(':'));
    sources.any(|source| !source.starts_with('/')).then(|| hash(file).map(str::to_owned)).flatten()
}

/// What stands behind the last hyphen.
fn hash(path: &Path) -> Option<&str> {
    Some(path.file_stem()?.to_str()?.rsplit_once('-')?.1)
}

fn folders(above: &Path) -> Vec<PathBuf> {
    entries(above, fs::FileType::is_dir)
}

fn files(above: &Path) -> Vec<PathBuf> {
    entries(above, fs::FileType::is_file)
}

fn entries(above: &Path, is: impl Fn(&fs::FileType) -> bool) -> Vec<PathBuf> {
    let entries = fs::read_dir(above).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| is(&kind))).map(|entry| entry.path()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_forgotten_and_what_they_depend_on_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("target");
        let write = |path: &str, text: &str| {
            let path = target.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        for profile in ["release", "aarch64-linux-android/debug"] {
            write(&format!("{profile}/deps/tool-01.d"), "/w/tool-01: src/main.rs\n\nsrc/main.rs:\n\n# env-dep:A\n");
            write(&format!("{profile}/deps/libc-02.d"), "/w/libc-02.rlib: /h/a.rs\n\n/h/a.rs:\n");
            write(&format!("{profile}/build/tool-03/build_script_build-03.d"), "/w/x: build.rs\n\nbuild.rs:\n");
            for name in ["tool-01", "libc-02", "tool-03"] {
                write(&format!("{profile}/{FINGERPRINTS}/{name}/invoked.timestamp"), "");
            }
        }
        forget(&target).unwrap();
        for profile in ["release", "aarch64-linux-android/debug"] {
            assert_eq!(folders(&target.join(profile).join(FINGERPRINTS)).len(), 1, "{profile}");
        }
        fs::remove_dir_all(&target).unwrap();
        write("release/build/tool/01/fingerprint", "");
        forget(&target).unwrap();
        assert!(!target.exists());
        forget(&target).unwrap();
    }
}

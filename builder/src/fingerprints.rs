//! Makes cargo compile the packages of a git repository again.
//!
//! Cargo believes that files in its home never change, and a package has the same hash in every checkout of its
//! repository. With a target directory that is kept, `cargo install --git` would therefore install what was compiled from
//! another commit. (Tried with cargo 1.95, which uses a new target directory each time when left alone.)

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::project::remove;

/// The folder below a profile's folder in which cargo records which units are up to date.
const FINGERPRINTS: &str = ".fingerprint";

/// Removes the fingerprints of the workspace's own packages, so that cargo compiles them again. Those of dependencies
/// stay.
pub(crate) fn invalidate_members(target: &Path) -> io::Result<()> {
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
    // A layout that this version doesn't know: better to compile everything again.
    if found { Ok(()) } else { remove(target) }
}

/// The hash of a unit, if it belongs to the workspace. rustc lists a unit's sources in a `.d` file, where those of the
/// workspace have relative paths and all others absolute ones.
fn hash_of_member(file: &Path) -> Option<String> {
    if file.extension()? != "d" {
        return None;
    }
    let text = fs::read_to_string(file).ok()?;
    let mut sources = text.lines().filter_map(|line| line.strip_suffix(':'));
    sources.any(|source| !source.starts_with('/')).then(|| hash(file).map(str::to_owned)).flatten()
}

/// The part of a file's name after its last hyphen.
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
    fn fingerprints_of_members_go_and_those_of_dependencies_stay() {
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
        invalidate_members(&target).unwrap();
        for profile in ["release", "aarch64-linux-android/debug"] {
            assert_eq!(folders(&target.join(profile).join(FINGERPRINTS)).len(), 1, "{profile}");
        }
        fs::remove_dir_all(&target).unwrap();
        write("release/build/tool/01/fingerprint", "");
        invalidate_members(&target).unwrap();
        assert!(!target.exists());
        invalidate_members(&target).unwrap();
    }
}

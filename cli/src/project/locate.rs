//! Finds the package of a folder, and the workspace of a package.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::manifest::CargoManifest;
use super::path::normalize;

/// The manifest that cargo would use: the named one, or the nearest at or above `cwd`.
pub fn manifest(cwd: &Path, named: Option<&Path>) -> anyhow::Result<PathBuf> {
    let Some(named) = named else {
        return cwd.ancestors().map(|folder| folder.join("Cargo.toml")).find(|path| path.is_file()).with_context(
            || {
                let lower = cwd.ancestors().any(|folder| folder.join("cargo.toml").exists());
                let near = if lower { ", but found cargo.toml please try to rename it to Cargo.toml" } else { "" };
                format!("could not find `Cargo.toml` in `{}` or any parent directory{near}", cwd.display())
            },
        );
    };
    let path = normalize(&cwd.join(named));
    if path.is_dir() {
        let inside = path.join("Cargo.toml");
        let help = if inside.exists() { format!("\nhelp: {} exists", inside.display()) } else { String::new() };
        bail!("manifest path `{}` is a directory but expected a file{help}", named.display());
    }
    if !path.is_file() {
        bail!("manifest path `{}` does not exist", named.display());
    }
    if named.extension().is_some_and(|extension| extension == "rs") {
        bail!(
            "`{}` is a single-file package, which cargo-cloud can't build yet; make a package with `cargo new`",
            named.display()
        );
    }
    if named.file_name().is_none_or(|name| name != "Cargo.toml") {
        bail!("the manifest-path must be a path to a Cargo.toml file: `{}`", path.display());
    }
    Ok(path)
}

/// The folder of the root of the workspace that the package in `folder` belongs to; `folder` itself without a
/// workspace.
pub fn workspace_root(folder: &Path, manifest: &CargoManifest) -> anyhow::Result<PathBuf> {
    if manifest.workspace().is_some() {
        return Ok(folder.to_path_buf());
    }
    if let Some(path) = manifest.workspace_path() {
        let root = normalize(&folder.join(path));
        // Cargo expects the folder here, but some manifests name the file.
        return Ok(if root.ends_with("Cargo.toml") { root.parent().unwrap_or(&root).to_path_buf() } else { root });
    }
    for ancestor in folder.ancestors().skip(1) {
        let path = ancestor.join("Cargo.toml");
        if path.is_file() {
            let candidate = CargoManifest::read(&path)?;
            if candidate.workspace().is_some() && !is_excluded(ancestor, &candidate, folder) {
                return Ok(ancestor.to_path_buf());
            }
        }
    }
    Ok(folder.to_path_buf())
}

fn is_excluded(root: &Path, manifest: &CargoManifest, folder: &Path) -> bool {
    let below = |list: Vec<&str>| list.into_iter().any(|path| folder.starts_with(normalize(&root.join(path))));
    below(manifest.excluded()) && !below(manifest.members())
}

/// The folders of a workspace's members: those that match its patterns and have a manifest.
pub fn members(root: &Path, manifest: &CargoManifest) -> Vec<PathBuf> {
    let excluded: Vec<PathBuf> = manifest.excluded().into_iter().map(|path| normalize(&root.join(path))).collect();
    let mut out = Vec::new();
    for pattern in manifest.members() {
        let mut found = vec![root.to_path_buf()];
        for part in Path::new(pattern).components() {
            let part = part.as_os_str().to_string_lossy();
            found = found.into_iter().flat_map(|folder| matching(&folder, &part)).collect();
        }
        out.extend(found);
    }
    out.retain(|folder| folder.join("Cargo.toml").is_file() && !excluded.iter().any(|path| folder.starts_with(path)));
    out.sort_unstable();
    out.dedup();
    out
}

fn matching(folder: &Path, part: &str) -> Vec<PathBuf> {
    if !part.contains(['*', '?', '[']) {
        return vec![normalize(&folder.join(part))];
    }
    let folders = |path: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        entries.filter(|entry| entry.path().is_dir()).map(|entry| entry.path()).collect()
    };
    if part == "**" {
        let below = walkdir::WalkDir::new(folder).into_iter().filter_entry(|entry| {
            entry.depth() == 0
                || !(entry.file_name() == "target" || entry.file_name().to_string_lossy().starts_with('.'))
        });
        return below.flatten().filter(|entry| entry.file_type().is_dir()).map(|entry| entry.into_path()).collect();
    }
    let mode = gix_glob::wildmatch::Mode::NO_MATCH_SLASH_LITERAL;
    folders(folder)
        .into_iter()
        .filter(|path| {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            gix_glob::wildmatch(part.into(), name.as_str().into(), mode)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    #[test]
    fn the_workspace_above_is_found_unless_it_excludes_the_package() {
        let temp = tempfile::tempdir().unwrap();
        let top = temp.path();
        write(top, "Cargo.toml", "[workspace]\nmembers=['a','crates/*','none']\nexclude=['fuzz','crates/x']");
        for name in ["a", "fuzz", "crates/b", "crates/c/deep", "crates/x"] {
            write(top, &format!("{name}/Cargo.toml"), "[package]\nname='p'");
        }
        let root = |folder: &str| {
            let folder = top.join(folder);
            workspace_root(&folder, &CargoManifest::read(&folder.join("Cargo.toml")).unwrap()).unwrap()
        };
        assert_eq!(root("a"), top);
        assert_eq!(root("crates/c/deep"), top);
        assert_eq!(root("fuzz"), top.join("fuzz"));
        assert_eq!(root("crates/x"), top.join("crates/x"));
        let members = members(top, &CargoManifest::read(&top.join("Cargo.toml")).unwrap());
        assert_eq!(members, [top.join("a"), top.join("crates/b")]);
        assert_eq!(manifest(&top.join("crates/b"), None).unwrap(), top.join("crates/b/Cargo.toml"));
        assert!(manifest(top, Some(Path::new("a"))).is_err());
        assert!(manifest(top, Some(Path::new("b/Cargo.toml"))).unwrap_err().to_string().contains("does not exist"));
    }
}

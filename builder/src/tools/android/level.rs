//! Which Android a program is for: its API level.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::AndroidBuild;
use crate::supervisor::{Spec, capture};

/// The lowest that Rust's standard library works with (doc.rust-lang.org/rustc, platform support, android).
const LOWEST: u32 = 21;

/// The parts of `cargo metadata` that matter here.
#[derive(Debug, Default, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    #[serde(default)]
    metadata: Option<Tables>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    #[serde(default)]
    metadata: Option<Tables>,
}

/// `[package.metadata]` or `[workspace.metadata]`.
#[derive(Debug, Deserialize)]
struct Tables {
    #[serde(default)]
    ndk: Option<serde_json::Value>,
}

/// The level asked for: `CARGO_NDK_PLATFORM`, else the manifest's `[package.metadata.ndk] platform`, else the workspace's,
/// else the backend's.
pub(super) async fn choose(build: &AndroidBuild<'_>) -> Result<u32, String> {
    let level = match build.env.get(OsStr::new("CARGO_NDK_PLATFORM")).filter(|value| !value.is_empty()) {
        Some(value) => {
            let text = value.to_string_lossy();
            text.trim()
                .parse()
                .map_err(|_| format!("CARGO_NDK_PLATFORM is `{text}`, which is no API level; write a number like 24"))?
        }
        None => of_manifest(build).await?.unwrap_or(build.default_level),
    };
    if level < LOWEST {
        return Err(format!("Android's API level {level} is too old for Rust: the lowest is {LOWEST}"));
    }
    Ok(level)
}

async fn of_manifest(build: &AndroidBuild<'_>) -> Result<Option<u32>, String> {
    let args = ["metadata", "--no-deps", "--format-version=1", "--quiet"];
    let spec = Spec::new(build.cargo, args, build.env, build.directory);
    // What is wrong with a manifest cargo itself says in a moment, better.
    let text = capture(&spec).await.ok().and_then(|captured| captured.text().ok());
    let metadata: Metadata = text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    metadata.level(build.packages, build.directory)
}

impl Metadata {
    /// The highest level of the packages that are built; theirs come before the workspace's.
    fn level(&self, packages: &[String], directory: &Path) -> Result<Option<u32>, String> {
        let built = self.packages.iter().filter(|package| {
            if packages.is_empty() {
                package.manifest_path.parent() == Some(directory)
            } else {
                packages.contains(&package.name)
            }
        });
        let mut highest = None;
        for package in built {
            let level = platform(package.metadata.as_ref(), &format!("package.metadata.ndk of `{}`", package.name))?;
            highest = highest.max(level);
        }
        match highest {
            Some(level) => Ok(Some(level)),
            None => platform(self.metadata.as_ref(), "workspace.metadata.ndk"),
        }
    }
}

fn platform(tables: Option<&Tables>, place: &str) -> Result<Option<u32>, String> {
    let Some(value) = tables.and_then(|tables| tables.ndk.as_ref()?.get("platform")) else { return Ok(None) };
    let level = value.as_u64().and_then(|level| u32::try_from(level).ok());
    level
        .map(Some)
        .ok_or_else(|| format!("`platform` in {place} is {value}, which is no API level; write a number like 24"))
}

/// Refuses a level that the NDK has no libraries for; a trimmed one may have few.
pub(super) fn check(level: u32, target: &str, sysroot: &Path) -> Result<(), String> {
    let name = if target == "armv7-linux-androideabi" { "arm-linux-androideabi" } else { target };
    let libraries = sysroot.join("usr/lib").join(name);
    let entries = libraries.read_dir().map_err(|_| {
        format!("this backend's Android NDK has no libraries for `{target}`: it was put together without that target")
    })?;
    let mut levels: Vec<u32> =
        entries.flatten().filter_map(|entry| entry.file_name().to_str().and_then(|name| name.parse().ok())).collect();
    levels.sort_unstable();
    if levels.contains(&level) {
        return Ok(());
    }
    let known = levels.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    Err(format!(
        "this backend's Android NDK has no libraries of API level {level} for `{target}`, only of {known}: name one of \
         these with --platform, or as `platform` under [package.metadata.ndk]"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(package: &str, workspace: &str) -> Metadata {
        let text = format!(
            r#"{{"packages":[{{"name":"a","manifest_path":"/w/a/Cargo.toml","metadata":{package}}},
                {{"name":"b","manifest_path":"/w/b/Cargo.toml","metadata":{{"ndk":{{"platform":30}}}}}}],
                "metadata":{workspace}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn the_package_comes_before_its_workspace() {
        let of_workspace = r#"{"ndk":{"platform":22}}"#;
        let here = Path::new("/w/a");
        assert_eq!(metadata(r#"{"ndk":{"platform":26}}"#, of_workspace).level(&[], here), Ok(Some(26)));
        assert_eq!(metadata("null", of_workspace).level(&[], here), Ok(Some(22)));
        assert_eq!(metadata("{}", "null").level(&[], here), Ok(None));
        let both = ["a".to_owned(), "b".to_owned()];
        assert_eq!(metadata(r#"{"ndk":{"platform":26}}"#, "null").level(&both, here), Ok(Some(30)));
        let wrong = metadata(r#"{"ndk":{"platform":"new"}}"#, "null").level(&[], here).unwrap_err();
        assert!(wrong.contains("of `a`") && wrong.contains("\"new\""), "{wrong}");
    }

    #[test]
    fn a_level_the_ndk_lacks_is_refused_with_those_it_has() {
        let sysroot = tempfile::tempdir().unwrap();
        for level in ["21", "24"] {
            std::fs::create_dir_all(sysroot.path().join("usr/lib/arm-linux-androideabi").join(level)).unwrap();
        }
        let target = "armv7-linux-androideabi";
        assert_eq!(check(24, target, sysroot.path()), Ok(()));
        let why = check(26, target, sysroot.path()).unwrap_err();
        assert!(why.contains("only of 21, 24"), "{why}");
        assert!(check(24, "i686-linux-android", sysroot.path()).unwrap_err().contains("without that target"));
    }
}

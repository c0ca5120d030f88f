//! The Android API level that a program is built for.

use std::ffi::OsStr;
use std::path::Path;

use cargo_metadata::Metadata;
use serde_json::Value;

use super::AndroidBuild;
use crate::supervisor::{CommandSpec, capture};

/// The lowest API level of Rust's standard library (doc.rust-lang.org/rustc, platform support, android).
const LOWEST: u32 = 21;

/// The level to build for: `CARGO_NDK_PLATFORM`, else `platform` in the manifest's `[package.metadata.ndk]`, else in the
/// workspace's, else the backend's default. The error is for the sender of the build.
pub(super) async fn choose(build: &AndroidBuild<'_>) -> Result<u32, String> {
    let level = match build.env.get(OsStr::new("CARGO_NDK_PLATFORM")).filter(|value| !value.is_empty()) {
        Some(value) => {
            let text = value.to_string_lossy();
            text.trim().parse().map_err(|_| {
                format!("CARGO_NDK_PLATFORM is `{text}`, which is not an API level; set it to a number like 24")
            })?
        }
        None => level_of_manifest(build).await?.unwrap_or(build.default_level),
    };
    if level < LOWEST {
        return Err(format!("Rust doesn't support Android's API level {level}; the lowest is {LOWEST}"));
    }
    Ok(level)
}

/// The level that the package or its workspace asks for.
async fn level_of_manifest(build: &AndroidBuild<'_>) -> Result<Option<u32>, String> {
    let args = ["metadata", "--no-deps", "--format-version=1", "--quiet"];
    let spec = CommandSpec::new(build.cargo, args, build.env, build.directory);
    // Errors in a manifest are ignored here: cargo explains them better when it builds.
    let text = capture(&spec).await.ok().and_then(|captured| captured.text().ok());
    match text.and_then(|text| serde_json::from_str(&text).ok()) {
        Some(metadata) => level_in(&metadata, build.packages, build.directory),
        None => Ok(None),
    }
}

/// The highest level that the packages to build ask for; if none does, the workspace's. Without `packages`, the package
/// to build is the one in `directory`.
fn level_in(metadata: &Metadata, packages: &[String], directory: &Path) -> Result<Option<u32>, String> {
    let built = metadata.packages.iter().filter(|package| {
        if packages.is_empty() {
            package.manifest_path.as_std_path().parent() == Some(directory)
        } else {
            packages.iter().any(|name| package.name == *name)
        }
    });
    let mut highest = None;
    for package in built {
        let level = platform(&package.metadata, &format!("package.metadata.ndk of `{}`", package.name))?;
        highest = highest.max(level);
    }
    match highest {
        Some(level) => Ok(Some(level)),
        None => platform(&metadata.workspace_metadata, "workspace.metadata.ndk"),
    }
}

/// `ndk.platform` in the `metadata` table of a package or workspace; `place` names it in an error.
fn platform(metadata: &Value, place: &str) -> Result<Option<u32>, String> {
    let Some(value) = metadata.get("ndk").and_then(|ndk| ndk.get("platform")) else { return Ok(None) };
    let level = value.as_u64().and_then(|level| u32::try_from(level).ok());
    level
        .map(Some)
        .ok_or_else(|| format!("`platform` in {place} is {value}, which is not an API level; write a number like 24"))
}

/// Checks that the NDK has libraries for a level; one that was cut down may have few. The error is for the sender of the
/// build.
pub(super) fn check(level: u32, target: &str, sysroot: &Path) -> Result<(), String> {
    let name = if target == "armv7-linux-androideabi" { "arm-linux-androideabi" } else { target };
    let libraries = sysroot.join("usr/lib").join(name);
    let entries = libraries.read_dir().map_err(|_| {
        format!("this backend's Android NDK has no libraries for `{target}`: it was assembled without that target")
    })?;
    let mut levels: Vec<u32> =
        entries.flatten().filter_map(|entry| entry.file_name().to_str().and_then(|name| name.parse().ok())).collect();
    levels.sort_unstable();
    if levels.contains(&level) {
        return Ok(());
    }
    let known = levels.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    Err(format!(
        "this backend's Android NDK has no libraries of API level {level} for `{target}`, only of {known}: choose one of \
         these with --platform, or with `platform` under [package.metadata.ndk]"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(package: &str, workspace: &str) -> Metadata {
        let one = |name: &str, metadata: &str| {
            format!(
                r#"{{"name":"{name}","version":"1.0.0","id":"{name}","dependencies":[],"targets":[],"features":{{}},
                    "manifest_path":"/w/{name}/Cargo.toml","metadata":{metadata}}}"#
            )
        };
        let text = format!(
            r#"{{"packages":[{},{}],"workspace_members":[],"workspace_root":"/w","target_directory":"/w/target",
                "version":1,"metadata":{workspace}}}"#,
            one("a", package),
            one("b", r#"{"ndk":{"platform":30}}"#)
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn a_package_takes_precedence_over_its_workspace() {
        let of_workspace = r#"{"ndk":{"platform":22}}"#;
        let here = Path::new("/w/a");
        assert_eq!(level_in(&metadata(r#"{"ndk":{"platform":26}}"#, of_workspace), &[], here), Ok(Some(26)));
        assert_eq!(level_in(&metadata("null", of_workspace), &[], here), Ok(Some(22)));
        assert_eq!(level_in(&metadata("{}", "null"), &[], here), Ok(None));
        let both = ["a".to_owned(), "b".to_owned()];
        assert_eq!(level_in(&metadata(r#"{"ndk":{"platform":26}}"#, "null"), &both, here), Ok(Some(30)));
        let wrong = level_in(&metadata(r#"{"ndk":{"platform":"new"}}"#, "null"), &[], here).unwrap_err();
        assert!(wrong.contains("of `a`") && wrong.contains("\"new\""), "{wrong}");
    }

    #[test]
    fn a_level_that_the_ndk_lacks_is_refused_with_a_list() {
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

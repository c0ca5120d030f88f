//! Building for Android: cargo-ndk knows what the NDK needs. It is asked for the environment it would run cargo in,
//! and cargo is then run in that: so cargo's messages, flags and colours stay what they are everywhere else.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::environment::{Environment, find_program};
use crate::supervisor::{Spec, capture};

/// Where cargo-ndk finds the NDK: this one first, then the others.
const NDK_VARIABLES: [&str; 4] = ["ANDROID_NDK_HOME", "ANDROID_NDK_ROOT", "ANDROID_NDK_PATH", "NDK_HOME"];

/// Stands in for cargo: prints the environment of a `build`, as it was given to it where that can be read: a shell
/// doesn't pass on variables whose names it can't use, such as `CC_aarch64-linux-android`.
const SCRIPT_HEAD: &str = "#!/bin/sh
if [ \"$1\" = build ]; then
    cat /proc/$$/environ 2>/dev/null || env -0
    exit
fi
exec ";

/// What is missing to build for Android, in words for the person who asked.
pub(crate) fn missing(env: &Environment) -> Option<String> {
    if find_program(env, "cargo-ndk").is_none() {
        return Some("it has no cargo-ndk: `cargo install cargo-ndk` on the backend's machine".to_owned());
    }
    let variable = |name: &&str| env.get(OsStr::new(name)).map(PathBuf::from);
    let given = NDK_VARIABLES.iter().find_map(variable);
    let of_sdk = || ["ANDROID_HOME", "ANDROID_SDK_ROOT"].iter().find_map(variable).map(|sdk| sdk.join("ndk"));
    match given.or_else(of_sdk) {
        Some(folder) if folder.is_dir() => None,
        Some(folder) => Some(format!("its Android NDK should be in {}, where there is nothing", folder.display())),
        None => {
            Some("it has no Android NDK: start the backend with ANDROID_NDK_HOME set to one (r27 or later)".to_owned())
        }
    }
}

/// What cargo needs to build for `target`: asks cargo-ndk, in `directory` (a package's folder) with scratch files in
/// `scratch`. The error is cargo-ndk's own words.
pub(crate) async fn environment(
    target: &str,
    api: u32,
    cargo: &Path,
    env: &Environment,
    directory: &Path,
    scratch: &Path,
) -> Result<Environment, String> {
    let cargo_ndk = find_program(env, "cargo-ndk").ok_or("cargo-ndk is gone")?;
    let stand_in = scratch.join("cargo");
    let quoted = cargo.to_string_lossy().replace('\'', r"'\''");
    let written = fs::write(&stand_in, format!("{SCRIPT_HEAD}'{quoted}' \"$@\"\n"))
        .and_then(|()| fs::set_permissions(&stand_in, fs::Permissions::from_mode(0o755)));
    written.map_err(|error| format!("{}: {error}", stand_in.display()))?;
    let mut env = env.clone();
    env.insert("CARGO".into(), stand_in.clone().into());
    let mut args = vec!["ndk".to_owned(), "--target".to_owned(), target.to_owned()];
    if !env.contains_key(OsStr::new("CARGO_NDK_PLATFORM")) {
        args.extend(["--platform".to_owned(), api.to_string()]);
    }
    args.push("build".to_owned());
    let spec = Spec::new(&cargo_ndk, args, &env, directory);
    let captured = capture(&spec).await.map_err(|error| error.to_string())?;
    let printed = captured.stdout.clone();
    captured.text()?;
    let wanted = changed(&printed, &env);
    // The file is in a folder that goes with the build.
    let _ = fs::remove_file(&stand_in);
    if wanted.is_empty() { Err(format!("cargo-ndk has nothing to say about {target}")) } else { Ok(wanted) }
}

/// What the script printed, without what was there before and what a shell adds.
fn changed(printed: &[u8], before: &Environment) -> Environment {
    let pair = |entry: &[u8]| {
        let at = entry.iter().position(|byte| *byte == b'=')?;
        Some((OsStr::from_bytes(&entry[..at]).to_owned(), OsStr::from_bytes(&entry[at + 1..]).to_owned()))
    };
    printed
        .split(|byte| *byte == 0)
        .filter_map(pair)
        .filter(|(name, value)| before.get(name) != Some(value))
        .filter(|(name, _)| !matches!(name.to_str(), Some("PWD" | "OLDPWD" | "SHLVL" | "_" | "CARGO")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cargo_ndk_adds_is_taken() {
        let before = Environment::from([("PATH".into(), "/bin".into())]);
        let printed = b"PATH=/bin\0PWD=/x\0_CARGO_NDK_LINK_TARGET=--target=a\0CC_a=/ndk/clang\n\0\n";
        let added = changed(printed, &before);
        let names: Vec<_> = added.keys().filter_map(|name| name.to_str()).collect();
        assert_eq!(names, ["CC_a", "_CARGO_NDK_LINK_TARGET"]);
        assert_eq!(added[OsStr::new("_CARGO_NDK_LINK_TARGET")], "--target=a");
    }
}

//! Building for Android: cargo-ndk knows what the NDK needs. It is asked for the environment it would run cargo in,
//! and cargo is then run in that: so cargo's messages, flags and colours stay what they are everywhere else.

mod level;
mod variables;

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

/// Where the NDK (or, of an SDK, a folder of several) should be.
fn ndk(env: &Environment) -> Option<PathBuf> {
    let variable = |name: &&str| env.get(OsStr::new(name)).map(PathBuf::from);
    let given = NDK_VARIABLES.iter().find_map(variable);
    given.or_else(|| ["ANDROID_HOME", "ANDROID_SDK_ROOT"].iter().find_map(variable).map(|sdk| sdk.join("ndk")))
}

/// What is missing to build for Android, in words for the person who asked.
pub(crate) fn missing(env: &Environment) -> Option<String> {
    if find_program(env, "cargo-ndk").is_none() {
        return Some("it has no cargo-ndk: `cargo install cargo-ndk` on the backend's machine".to_owned());
    }
    match ndk(env) {
        Some(folder) if folder.is_dir() => None,
        Some(folder) => Some(format!("its Android NDK should be in {}, where there is nothing", folder.display())),
        None => {
            Some("it has no Android NDK: start the backend with ANDROID_NDK_HOME set to one (r27 or later)".to_owned())
        }
    }
}

/// A build for Android.
pub(crate) struct AndroidBuild<'a> {
    /// The triple.
    pub target: &'a str,
    /// API level where nobody names one.
    pub default_level: u32,
    /// Packages named on the command line; none: the one of `directory`.
    pub packages: &'a [String],
    /// Cargo's program.
    pub cargo: &'a Path,
    /// The build's environment.
    pub env: &'a Environment,
    /// Where cargo runs.
    pub directory: &'a Path,
    /// For files the build needs while it runs; the same path for every build of a project.
    pub scratch: &'a Path,
}

impl AndroidBuild<'_> {
    /// What cargo needs to build for the target: asks cargo-ndk, and adds what it leaves out. The error is for the person
    /// who asked.
    pub async fn environment(&self) -> Result<Environment, String> {
        let level = level::choose(self).await?;
        let answer = self.ask(level).await?;
        let ndk = answer.get(OsStr::new("CARGO_NDK_SYSROOT_PATH")).map(PathBuf::from);
        if let Some(sysroot) = &ndk {
            level::check(level, self.target, sysroot)?;
        }
        variables::complete(answer, self.target, level, self.scratch)
            .map_err(|error| format!("can't prepare a build for `{}`: {error}", self.target))
    }

    /// Cargo-ndk's own variables.
    async fn ask(&self, level: u32) -> Result<Environment, String> {
        let said = |why: String| format!("cargo-ndk can't prepare a build for `{}`: {why}", self.target);
        let cargo_ndk = find_program(self.env, "cargo-ndk").ok_or_else(|| said("it is gone".to_owned()))?;
        let stand_in = self.scratch.join("cargo");
        let quoted = quote(&self.cargo.to_string_lossy());
        let written = fs::write(&stand_in, format!("{SCRIPT_HEAD}{quoted} \"$@\"\n"))
            .and_then(|()| fs::set_permissions(&stand_in, fs::Permissions::from_mode(0o755)));
        written.map_err(|error| said(format!("{}: {error}", stand_in.display())))?;
        let mut env = self.env.clone();
        env.insert("CARGO".into(), stand_in.clone().into());
        let level = level.to_string();
        let spec = Spec::new(
            &cargo_ndk,
            ["ndk", "--target", self.target, "--platform", &level, "build"],
            &env,
            self.directory,
        );
        let captured = capture(&spec).await.map_err(|error| said(error.to_string()))?;
        let printed = captured.stdout.clone();
        captured.text().map_err(said)?;
        let wanted = changed(&printed, &env);
        // The file is in a folder that goes with the build.
        let _ = fs::remove_file(&stand_in);
        if wanted.is_empty() { Err(said("it says nothing".to_owned())) } else { Ok(wanted) }
    }
}

/// As one word for a shell.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
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

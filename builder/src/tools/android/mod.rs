//! Building for Android: cargo-ndk knows what the NDK needs. It is asked for the environment it would run cargo in,
//! and cargo is then run in that: so cargo's messages, flags and colours stay what they are everywhere else.

mod level;
mod variables;

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::AndroidSetup;
use crate::environment::{Environment, find_program, is_program};
use crate::supervisor::{CommandSpec, capture};

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

/// What builds for Android need beside Rust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AndroidTools {
    /// Cargo-ndk's program.
    cargo_ndk: PathBuf,
    /// The NDK that the backend's set-up has installed; none: cargo-ndk finds the one that the environment names.
    ndk: Option<PathBuf>,
}

/// What of it is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MissingAndroidTools {
    cargo_ndk: bool,
    ndk: bool,
}

impl fmt::Display for MissingAndroidTools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.ndk, self.cargo_ndk) {
            (true, true) => "the Android NDK and cargo-ndk",
            (true, false) => "the Android NDK",
            (false, _) => "cargo-ndk",
        })
    }
}

impl AndroidTools {
    /// Looks at what is there now. What the environment names goes before what the backend's set-up has installed.
    pub fn find(env: &Environment, setup: Option<&AndroidSetup>) -> Result<Self, MissingAndroidTools> {
        let cargo_ndk =
            find_program(env, "cargo-ndk").or_else(|| Some(setup?.cargo_ndk()).filter(|file| is_program(file)));
        let named = ndk_of_environment(env).is_some_and(|folder| folder.is_dir());
        let ndk = setup.map(AndroidSetup::ndk).filter(|folder| !named && folder.join("source.properties").is_file());
        match (cargo_ndk, named || ndk.is_some()) {
            (Some(cargo_ndk), true) => Ok(Self { cargo_ndk, ndk }),
            (cargo_ndk, ndk) => Err(MissingAndroidTools { cargo_ndk: cargo_ndk.is_none(), ndk: !ndk }),
        }
    }
}

/// The NDK (or, of an SDK, the folder of several) that the environment names.
fn ndk_of_environment(env: &Environment) -> Option<PathBuf> {
    let variable = |name: &&str| env.get(OsStr::new(name)).map(PathBuf::from);
    let given = NDK_VARIABLES.iter().find_map(variable);
    given.or_else(|| ["ANDROID_HOME", "ANDROID_SDK_ROOT"].iter().find_map(variable).map(|sdk| sdk.join("ndk")))
}

/// What to do when they are missing: one sentence.
pub(crate) fn remedy(target: &str, setup: Option<&AndroidSetup>) -> String {
    match setup {
        Some(setup) => {
            let abi = match target.split_once("-linux-android").map_or("", |(arch, _)| arch) {
                "armv7" | "arm" | "thumbv7neon" => " --abi armeabi-v7a",
                "x86_64" => " --abi x86_64",
                "i686" => " --abi x86",
                // What is installed when nothing else is said.
                _ => "",
            };
            format!("On the backend's machine, run: {}{abi}", setup.command)
        }
        None => "Install both on the backend's machine (`cargo install cargo-ndk`), and start the backend with \
                 ANDROID_NDK_HOME set to the NDK, r27 or later."
            .to_owned(),
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
    /// Cargo-ndk and the NDK.
    pub tools: &'a AndroidTools,
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
        let mut env = variables::complete(answer, self.target, level, self.scratch)
            .map_err(|error| format!("can't prepare a build for `{}`: {error}", self.target))?;
        if let Some(ndk) = &self.tools.ndk {
            // For build scripts that look for the NDK themselves.
            env.extend(["ANDROID_NDK_HOME", "ANDROID_NDK_ROOT"].map(|name| (name.into(), ndk.into())));
        }
        Ok(env)
    }

    /// Cargo-ndk's own variables.
    async fn ask(&self, level: u32) -> Result<Environment, String> {
        let said = |why: String| format!("cargo-ndk can't prepare a build for `{}`: {why}", self.target);
        let stand_in = self.scratch.join("cargo");
        let quoted = quote(&self.cargo.to_string_lossy());
        let written = fs::write(&stand_in, format!("{SCRIPT_HEAD}{quoted} \"$@\"\n"))
            .and_then(|()| fs::set_permissions(&stand_in, fs::Permissions::from_mode(0o755)));
        written.map_err(|error| said(format!("{}: {error}", stand_in.display())))?;
        let mut env = self.env.clone();
        env.insert("CARGO".into(), stand_in.clone().into());
        if let Some(ndk) = &self.tools.ndk {
            env.insert(NDK_VARIABLES[0].into(), ndk.into());
        }
        let level = level.to_string();
        let spec = CommandSpec::new(
            &self.tools.cargo_ndk,
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
    fn tools_of_the_backends_set_up_are_found_once_they_are_whole() {
        let folder = tempfile::tempdir().unwrap();
        let setup = AndroidSetup { folder: folder.path().to_owned(), command: "backend setup android".to_owned() };
        let find = || AndroidTools::find(&Environment::new(), Some(&setup));
        assert_eq!(find().unwrap_err().to_string(), "the Android NDK and cargo-ndk");
        fs::create_dir_all(setup.cargo_ndk().parent().unwrap()).unwrap();
        fs::write(setup.cargo_ndk(), "").unwrap();
        fs::set_permissions(setup.cargo_ndk(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir_all(setup.ndk()).unwrap();
        assert_eq!(find().unwrap_err().to_string(), "the Android NDK");
        fs::write(setup.ndk().join("source.properties"), "").unwrap();
        assert_eq!(find().unwrap().ndk, Some(setup.ndk()));
        let named = Environment::from([("ANDROID_NDK_HOME".into(), folder.path().into())]);
        assert_eq!(AndroidTools::find(&named, Some(&setup)).unwrap().ndk, None, "the person's own goes first");
    }

    #[test]
    fn the_remedy_names_the_command_and_the_abi() {
        let setup = AndroidSetup { folder: "/f".into(), command: "backend setup android".to_owned() };
        for (target, abi) in [
            ("aarch64-linux-android", ""),
            ("armv7-linux-androideabi", " --abi armeabi-v7a"),
            ("i686-linux-android", " --abi x86"),
            ("x86_64-linux-android", " --abi x86_64"),
        ] {
            let expected = format!("On the backend's machine, run: backend setup android{abi}");
            assert_eq!(remedy(target, Some(&setup)), expected);
        }
    }

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

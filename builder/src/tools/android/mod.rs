//! Builds for Android, with cargo-ndk, which knows how to use the NDK. cargo-ndk is asked for the environment in which it
//! would run cargo, and the engine runs cargo in it. So cargo's messages, flags and colours are the same for all targets.

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

/// The variables in which cargo-ndk looks for the NDK, in its order.
const NDK_VARIABLES: [&str; 4] = ["ANDROID_NDK_HOME", "ANDROID_NDK_ROOT", "ANDROID_NDK_PATH", "NDK_HOME"];

/// The beginning of a script in the place of cargo. For `cargo build` it prints its environment, from /proc if possible,
/// because a shell drops variables with names such as `CC_aarch64-linux-android`. Everything else goes to cargo.
const SCRIPT_HEAD: &str = "#!/bin/sh
if [ \"$1\" = build ]; then
    cat /proc/$$/environ 2>/dev/null || env -0
    exit
fi
exec ";

/// The tools that builds for Android need in addition to Rust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AndroidTools {
    /// Path of the cargo-ndk program.
    cargo_ndk: PathBuf,
    /// The NDK that the backend's set-up installed. `None`: cargo-ndk finds one by the environment.
    ndk: Option<PathBuf>,
}

/// Which of the tools for Android are missing.
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
    /// Looks for the tools. Those that the environment names take precedence over those of the backend's set-up.
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

/// The folder of the NDK that the environment names; for an SDK, the folder that contains its NDKs.
fn ndk_of_environment(env: &Environment) -> Option<PathBuf> {
    let variable = |name: &&str| env.get(OsStr::new(name)).map(PathBuf::from);
    let given = NDK_VARIABLES.iter().find_map(variable);
    given.or_else(|| ["ANDROID_HOME", "ANDROID_SDK_ROOT"].iter().find_map(variable).map(|sdk| sdk.join("ndk")))
}

/// How to install the missing tools, in one sentence.
pub(crate) fn remedy(target: &str, setup: Option<&AndroidSetup>) -> String {
    match setup {
        Some(setup) => {
            let abi = match target.split_once("-linux-android").map_or("", |(arch, _)| arch) {
                "armv7" | "arm" | "thumbv7neon" => " --abi armeabi-v7a",
                "x86_64" => " --abi x86_64",
                "i686" => " --abi x86",
                // The set-up installs this ABI by default.
                _ => "",
            };
            format!("On the backend's machine, run: {}{abi}", setup.command)
        }
        None => "Install both on the backend's machine (`cargo install cargo-ndk`), and start the backend with \
                 ANDROID_NDK_HOME set to the NDK, r27 or later."
            .to_owned(),
    }
}

/// A build for one Android target.
pub(crate) struct AndroidBuild<'a> {
    /// The triple of the target.
    pub target: &'a str,
    /// The API level if the project names none.
    pub default_level: u32,
    /// The packages named on the command line. If empty, the one in `directory`.
    pub packages: &'a [String],
    /// Path of the cargo program.
    pub cargo: &'a Path,
    /// The cargo-ndk and the NDK to use.
    pub tools: &'a AndroidTools,
    /// The environment of the build so far.
    pub env: &'a Environment,
    /// The folder that cargo runs in.
    pub directory: &'a Path,
    /// A folder for files that the build needs while it runs. Its path is the same for every build of a project.
    pub scratch: &'a Path,
}

impl AndroidBuild<'_> {
    /// The environment variables that cargo needs to build for the target: those of cargo-ndk, and some that it leaves out.
    /// The error is for the sender of the build.
    pub async fn environment(&self) -> Result<Environment, String> {
        let level = level::choose(self).await?;
        let answer = self.ask_cargo_ndk(level).await?;
        let ndk = answer.get(OsStr::new("CARGO_NDK_SYSROOT_PATH")).map(PathBuf::from);
        if let Some(sysroot) = &ndk {
            level::check(level, self.target, sysroot)?;
        }
        let mut env = variables::complete(answer, self.target, level, self.scratch)
            .map_err(|error| format!("can't prepare a build for `{}`: {error}", self.target))?;
        if let Some(ndk) = &self.tools.ndk {
            // For build scripts that look for the NDK by themselves.
            env.extend(["ANDROID_NDK_HOME", "ANDROID_NDK_ROOT"].map(|name| (name.into(), ndk.into())));
        }
        Ok(env)
    }

    /// Asks cargo-ndk for its variables.
    async fn ask_cargo_ndk(&self, level: u32) -> Result<Environment, String> {
        let failed = |why: String| format!("cargo-ndk can't prepare a build for `{}`: {why}", self.target);
        let stand_in = self.scratch.join("cargo");
        let quoted = quote(&self.cargo.to_string_lossy());
        let written = fs::write(&stand_in, format!("{SCRIPT_HEAD}{quoted} \"$@\"\n"))
            .and_then(|()| fs::set_permissions(&stand_in, fs::Permissions::from_mode(0o755)));
        written.map_err(|error| failed(format!("{}: {error}", stand_in.display())))?;
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
        let captured = capture(&spec).await.map_err(|error| failed(error.to_string()))?;
        let printed = captured.stdout.clone();
        captured.text().map_err(failed)?;
        let wanted = changed(&printed, &env);
        // An error does no harm: the folder is removed after the build.
        let _ = fs::remove_file(&stand_in);
        if wanted.is_empty() { Err(failed("it printed no variables".to_owned())) } else { Ok(wanted) }
    }
}

/// Quotes text as one word for a shell.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The variables that the script printed, without those that were there before or that a shell adds.
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
    fn tools_of_the_backends_set_up_are_found_once_they_are_complete() {
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
        assert_eq!(AndroidTools::find(&named, Some(&setup)).unwrap().ndk, None, "the user's own takes precedence");
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
    fn only_variables_that_cargo_ndk_adds_are_used() {
        let before = Environment::from([("PATH".into(), "/bin".into())]);
        let printed = b"PATH=/bin\0PWD=/x\0_CARGO_NDK_LINK_TARGET=--target=a\0CC_a=/ndk/clang\n\0\n";
        let added = changed(printed, &before);
        let names: Vec<_> = added.keys().filter_map(|name| name.to_str()).collect();
        assert_eq!(names, ["CC_a", "_CARGO_NDK_LINK_TARGET"]);
        assert_eq!(added[OsStr::new("_CARGO_NDK_LINK_TARGET")], "--target=a");
    }
}

//! Completes the variables of cargo-ndk for build scripts.

use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::quote;
use crate::environment::Environment;

/// Prefix of the variables that cargo-ndk needs when it runs as a linker. They have the same names for every target.
const LINKER_PREFIX: &str = "_CARGO_NDK_";

/// The environment for builds for `target`: cargo-ndk's variables, and more. Writes a linker script and a toolchain file
/// for CMake to `scratch`.
pub(super) fn complete(answer: Environment, target: &str, level: u32, scratch: &Path) -> io::Result<Environment> {
    let underscored = target.replace('-', "_");
    let mut env = Environment::new();
    for (name, value) in &answer {
        // A shell drops variables whose names contain hyphens, so make and configure would not see them.
        if let Some(base) = name.to_str().and_then(|name| name.strip_suffix(target)) {
            env.insert(format!("{base}{underscored}").into(), value.clone());
        }
    }
    let text = |name: &str| answer.get(OsStr::new(name)).and_then(|value| value.to_str());
    let of_target = |name: &str| OsString::from(format!("{name}_{underscored}"));

    // No device has `libc++_shared.so`, but the `cc` crate links it by default.
    env.insert(of_target("CXXSTDLIB"), "c++_static".into());
    // Bindgen knows the triple, but not the API level, which decides which functions exist.
    let bindgen = of_target("BINDGEN_EXTRA_CLANG_ARGS");
    if let (Some(args), Some(clang)) =
        (answer.get(&bindgen).and_then(|args| args.to_str()), text("_CARGO_NDK_LINK_TARGET"))
    {
        env.insert(bindgen, format!("{clang} {args}").into());
    }
    if let Some(libraries) = text("CARGO_NDK_SYSROOT_LIBS_PATH") {
        // pkg-config must not find the libraries of this machine. A project that uses it for Android can name its own in
        // PKG_CONFIG_PATH.
        env.insert(of_target("PKG_CONFIG_LIBDIR"), Path::new(libraries).join("pkgconfig").into());
    }
    if let Some(toolchain) = text("CARGO_NDK_CMAKE_TOOLCHAIN_PATH").map(PathBuf::from).filter(|file| file.is_file()) {
        let file = scratch.join(format!("{target}{level}.cmake"));
        let abi = text("ANDROID_ABI").unwrap_or_default();
        fs::write(&file, cmake_toolchain(&toolchain, abi, level))?;
        env.insert(of_target("CMAKE_TOOLCHAIN_FILE"), file.into());
    }
    let linker = OsString::from(format!("CARGO_TARGET_{}_LINKER", underscored.to_uppercase()));
    if let Some(program) = answer.get(&linker) {
        // The name contains the level, so that cargo links again when the level changes.
        let file = scratch.join(format!("{target}{level}-linker"));
        fs::write(&file, linker_script(&program.to_string_lossy(), &answer))?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
        env.insert(linker, file.into());
    }
    let rest = answer.into_iter().filter(|(name, _)| !name.to_string_lossy().starts_with(LINKER_PREFIX));
    for (name, value) in rest {
        env.entry(name).or_insert(value);
    }
    Ok(env)
}

/// A script that runs cargo-ndk as the linker of one target, so that several targets can be built at once. It also adds
/// the second half of a static libc++, which is a separate library in the NDK.
fn linker_script(program: &str, answer: &Environment) -> String {
    let mut script = "#!/bin/sh\n".to_owned();
    for (name, value) in answer {
        let (name, value) = (name.to_string_lossy(), value.to_string_lossy());
        if name.starts_with(LINKER_PREFIX) {
            let _ = writeln!(script, "export {name}={}", quote(&value));
        }
    }
    let _ = writeln!(
        script,
        "case \" $* \" in *' -lc++_static '*) set -- \"$@\" -lc++abi ;; esac\nexec {} \"$@\"",
        quote(program)
    );
    script
}

/// A toolchain file for CMake that sets the target and includes the NDK's own (developer.android.com/ndk/guides/cmake).
fn cmake_toolchain(file: &Path, abi: &str, level: u32) -> String {
    format!(
        "set(ANDROID_ABI \"{abi}\")\nset(ANDROID_PLATFORM \"android-{level}\")\nset(ANDROID_STL \"c++_static\")\n\
         set(ANDROID_SUPPORT_FLEXIBLE_PAGE_SIZES ON)\ninclude(\"{}\")\n",
        file.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> Environment {
        [
            ("CC_aarch64-linux-android", "/ndk/clang"),
            ("RANLIB_aarch64-linux-android", "/ndk/ranlib"),
            ("BINDGEN_EXTRA_CLANG_ARGS_aarch64_linux_android", "--sysroot=/s"),
            ("CARGO_TARGET_AARCH64_LINUX_ANDROID_LINKER", "/it's/cargo-ndk"),
            ("_CARGO_NDK_LINK_TARGET", "--target=aarch64-linux-android24"),
            ("_CARGO_NDK_LDFLAGS", "-Wl,-z,max-page-size=16384"),
            ("ANDROID_PLATFORM", "24"),
        ]
        .map(|(name, value)| (name.into(), value.into()))
        .into()
    }

    #[test]
    fn each_target_has_its_own_variables_and_linker() {
        let scratch = tempfile::tempdir().unwrap();
        let env = complete(answer(), "aarch64-linux-android", 24, scratch.path()).unwrap();
        let got = |name: &str| env.get(OsStr::new(name)).and_then(|value| value.to_str());
        assert_eq!(got("RANLIB_aarch64_linux_android"), Some("/ndk/ranlib"));
        assert_eq!(got("RANLIB_aarch64-linux-android"), Some("/ndk/ranlib"));
        assert_eq!(got("CXXSTDLIB_aarch64_linux_android"), Some("c++_static"));
        let bindgen = got("BINDGEN_EXTRA_CLANG_ARGS_aarch64_linux_android");
        assert_eq!(bindgen, Some("--target=aarch64-linux-android24 --sysroot=/s"));
        assert_eq!(got("_CARGO_NDK_LINK_TARGET"), None, "it would apply to every target");
        let linker = fs::read_to_string(got("CARGO_TARGET_AARCH64_LINUX_ANDROID_LINKER").unwrap()).unwrap();
        assert!(linker.contains("export _CARGO_NDK_LINK_TARGET='--target=aarch64-linux-android24'"), "{linker}");
        assert!(linker.ends_with("exec '/it'\\''s/cargo-ndk' \"$@\"\n"), "{linker}");
    }

    #[test]
    fn both_halves_of_a_static_libcxx_are_linked() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("linker");
        fs::write(&script, linker_script("/bin/echo", &answer())).unwrap();
        let linked = |args: &[&str]| {
            let output = std::process::Command::new("sh").arg(&script).args(args).output().unwrap();
            String::from_utf8(output.stdout).unwrap()
        };
        assert_eq!(linked(&["-la b", "-lc++_static"]), "-la b -lc++_static -lc++abi\n");
        assert_eq!(linked(&["-lc++_shared"]), "-lc++_shared\n");
    }

    #[test]
    fn the_toolchain_file_for_cmake_sets_the_target() {
        let text = cmake_toolchain(Path::new("/ndk/android.toolchain.cmake"), "armeabi-v7a", 26);
        assert!(text.starts_with("set(ANDROID_ABI \"armeabi-v7a\")\nset(ANDROID_PLATFORM \"android-26\")\n"));
        assert!(text.ends_with("include(\"/ndk/android.toolchain.cmake\")\n"));
    }
}

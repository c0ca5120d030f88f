//! Finds the linker for a target.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::environment::{Environment, find_program};

/// The linker for a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Linker {
    /// The one that rustc uses by default.
    Default,
    /// The C compiler at this path.
    Program(PathBuf),
    /// The NDK's linker, which cargo-ndk runs.
    Android,
    /// None of these programs was found. The first is the usual one.
    Missing(Vec<String>),
}

impl Linker {
    /// The linker for `target` on `host`. `given` are the linkers in the backend's settings, by target.
    pub fn find(target: &str, host: &str, given: &BTreeMap<String, PathBuf>, env: &Environment) -> Self {
        if let Some(program) = given.get(target) {
            return Linker::Program(program.clone());
        }
        if target == host {
            return Linker::Default;
        }
        if is_android(target) {
            return Linker::Android;
        }
        let names = c_compilers(target, host);
        if names.is_empty() {
            return Linker::Default;
        }
        match names.iter().find_map(|name| find_program(env, name)) {
            Some(program) => Linker::Program(program),
            None => Linker::Missing(names),
        }
    }
}

/// Whether programs for a target are linked with the NDK.
pub(crate) fn is_android(target: &str) -> bool {
    target.contains("-linux-android")
}

/// Whether rustc links for `target` with parts of Rust alone, or with those and this machine's own C compiler. Decided by
/// rules, not by a list (doc.rust-lang.org/rustc/platform-support):
///
/// - no operating system (`…-none…`), WebAssembly without Emscripten, and UEFI: rustc links with its own `rust-lld`;
/// - musl of this machine's architecture, or its 32-bit form: Rust contains the C library, and this machine's `cc` links.
pub(crate) fn is_self_contained(target: &str, host: &str) -> bool {
    let mut parts = target.split('-');
    let arch = parts.next().unwrap_or_default();
    let rest: Vec<&str> = parts.collect();
    if matches!(arch, "wasm32" | "wasm64") || arch.starts_with("wasm32v") {
        return !rest.contains(&"emscripten");
    }
    if rest.iter().any(|part| *part == "none" || *part == "uefi") {
        return true;
    }
    let host_arch = host.split('-').next().unwrap_or_default();
    let same = arch == host_arch || matches!((host_arch, arch), ("x86_64", "i686" | "i586"));
    same && host.contains("-linux-") && target.contains("-linux-") && target.ends_with("musl")
}

/// The names of C compilers for a target in Linux distributions. Empty if rustc's default is right.
fn c_compilers(target: &str, host: &str) -> Vec<String> {
    let arch = target.split('-').next().unwrap_or_default();
    if target.ends_with("-pc-windows-gnu") {
        return vec![format!("{arch}-w64-mingw32-gcc")];
    }
    if target.contains("-windows-") {
        return vec!["lld-link".to_owned()];
    }
    if target.contains("-apple-") {
        // Only Apple's own tools link for Apple, unless the backend's settings name others.
        return if host.contains("-apple-") { Vec::new() } else { vec![format!("{arch}-apple-darwin-clang")] };
    }
    let host_arch = host.split('-').next().unwrap_or_default();
    let family = matches!((host_arch, arch), ("x86_64", "i686" | "i586"));
    if !target.contains("-linux-") || (host.contains("-linux-") && (arch == host_arch || family)) {
        return Vec::new();
    }
    let (system, abi) = target.split_once("-linux-").map_or(("", ""), |(_, abi)| ("linux", abi));
    let debian = match arch {
        "armv7" | "arm" | "thumbv7neon" => "arm",
        "riscv64gc" | "riscv64a23" => "riscv64",
        "i686" | "i586" => "i686",
        other => other,
    };
    let gnu = abi.replace("musl", "gnu");
    let mut names = vec![format!("{debian}-{system}-{gnu}-gcc")];
    if gnu != abi {
        names.insert(0, format!("{debian}-{system}-{abi}-gcc"));
    }
    names
}

/// The environment variables that make cargo and the `cc` crate use this program for a target.
pub(crate) fn link_environment(target: &str, program: &Path) -> Environment {
    let underscored = target.replace(['-', '.'], "_");
    let mut env = Environment::new();
    env.insert(format!("CARGO_TARGET_{}_LINKER", underscored.to_uppercase()).into(), program.into());
    env.insert(format!("CC_{underscored}").into(), program.into());
    // Next to a `…-gcc` there are usually a `…-g++` and a `…-ar`.
    if let Some(prefix) = program.to_str().and_then(|program| program.strip_suffix("gcc")) {
        for (variable, tool) in [("CXX", "g++"), ("AR", "ar")] {
            let beside = PathBuf::from(format!("{prefix}{tool}"));
            if beside.exists() {
                env.insert(format!("{variable}_{underscored}").into(), beside.into());
            }
        }
    }
    env
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compilers_have_the_names_that_distributions_give_them() {
        let host = "x86_64-unknown-linux-gnu";
        for (target, names) in [
            ("aarch64-unknown-linux-gnu", vec!["aarch64-linux-gnu-gcc"]),
            ("aarch64-unknown-linux-musl", vec!["aarch64-linux-musl-gcc", "aarch64-linux-gnu-gcc"]),
            ("armv7-unknown-linux-gnueabihf", vec!["arm-linux-gnueabihf-gcc"]),
            ("riscv64gc-unknown-linux-gnu", vec!["riscv64-linux-gnu-gcc"]),
            ("x86_64-pc-windows-gnu", vec!["x86_64-w64-mingw32-gcc"]),
            ("x86_64-unknown-linux-musl", vec![]),
            ("i686-unknown-linux-gnu", vec![]),
            ("wasm32-wasip1", vec![]),
            ("thumbv7em-none-eabihf", vec![]),
        ] {
            assert_eq!(c_compilers(target, host), names, "{target}");
        }
    }

    #[test]
    fn rules_tell_which_targets_need_no_foreign_linker() {
        let host = "x86_64-unknown-linux-gnu";
        for target in [
            "wasm32-unknown-unknown",
            "wasm32-wasip1",
            "wasm32v1-none",
            "thumbv7em-none-eabihf",
            "riscv32imac-unknown-none-elf",
            "aarch64-unknown-none",
            "x86_64-unknown-uefi",
            "x86_64-unknown-linux-musl",
            "i686-unknown-linux-musl",
        ] {
            assert!(is_self_contained(target, host), "{target}");
        }
        for target in [
            "wasm32-unknown-emscripten",
            "aarch64-unknown-linux-musl",
            "i686-unknown-linux-gnu",
            "x86_64-unknown-freebsd",
            "aarch64-linux-android",
            "x86_64-apple-darwin",
            "nvptx64-nvidia-cuda",
        ] {
            assert!(!is_self_contained(target, host), "{target}");
        }
        assert!(is_self_contained("aarch64-unknown-linux-musl", "aarch64-unknown-linux-gnu"));
        assert!(!is_self_contained("x86_64-unknown-linux-musl", "x86_64-apple-darwin"));
    }

    #[test]
    fn a_linker_in_the_settings_takes_precedence() {
        let given = BTreeMap::from([("aarch64-linux-android".to_owned(), PathBuf::from("/x/clang"))]);
        let find = |target| Linker::find(target, "x86_64-unknown-linux-gnu", &given, &Environment::new());
        assert_eq!(find("aarch64-linux-android"), Linker::Program("/x/clang".into()));
        assert_eq!(find("x86_64-linux-android"), Linker::Android);
        assert!(
            matches!(find("aarch64-unknown-linux-gnu"), Linker::Missing(names) if names[0] == "aarch64-linux-gnu-gcc")
        );
    }
}

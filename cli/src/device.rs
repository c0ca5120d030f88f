//! The target triple of the device. It is found at run time, since one statically linked client runs on several kinds of
//! devices.

use std::path::Path;

/// The triple of this device; `None` for a kind of device that cargo-cloud knows no Rust target for.
pub fn triple() -> Option<String> {
    let uname = rustix::system::uname();
    let [system, machine] = [uname.sysname(), uname.machine()].map(|text| text.to_string_lossy().into_owned());
    let android = std::env::var_os("ANDROID_ROOT").is_some() || std::env::var_os("TERMUX_VERSION").is_some();
    detect(&system, &machine, android, usize::BITS == 32, Path::new("/"))
}

/// `bits32`: the client itself is a 32-bit program, as on a 64-bit kernel under a 32-bit system.
fn detect(system: &str, machine: &str, android: bool, bits32: bool, root: &Path) -> Option<String> {
    let exists = |path: &str| root.join(path).exists();
    if system == "Darwin" {
        let arch = if machine == "arm64" { "aarch64" } else { "x86_64" };
        return Some(format!("{arch}-apple-darwin"));
    }
    if system == "FreeBSD" && matches!(machine, "amd64" | "arm64") {
        return Some(format!("{}-unknown-freebsd", if machine == "amd64" { "x86_64" } else { "aarch64" }));
    }
    if system != "Linux" && system != "Android" {
        return None;
    }
    let arch = match (machine, bits32) {
        ("x86_64" | "amd64", false) => "x86_64",
        ("x86_64" | "i386" | "i486" | "i586" | "i686", _) => "i686",
        ("aarch64" | "arm64", false) => "aarch64",
        ("aarch64" | "arm64" | "armv8l" | "armv7l", _) => "armv7",
        ("armv6l" | "armv5tel", _) => "arm",
        ("riscv64", _) => "riscv64gc",
        ("ppc64le", _) => "powerpc64le",
        ("s390x", _) => "s390x",
        ("loongarch64", _) => "loongarch64",
        _ => return None,
    };
    if android || exists("system/bin/linker") || exists("system/bin/linker64") {
        return match arch {
            "armv7" | "arm" => Some("armv7-linux-androideabi".to_owned()),
            "aarch64" | "x86_64" | "i686" | "riscv64gc" => {
                Some(format!("{}-linux-android", arch.trim_end_matches("gc")))
            }
            _ => None,
        };
    }
    // The loader shows which libc the system has. Where both are, musl's was added to a glibc system.
    let loader = |prefix: &str| {
        ["lib", "lib64", "usr/lib"].iter().any(|folder| {
            let entries = std::fs::read_dir(root.join(folder)).into_iter().flatten().flatten();
            entries.map(|entry| entry.file_name()).any(|name| name.to_string_lossy().starts_with(prefix))
        })
    };
    let musl = loader("ld-musl-") && !loader("ld-linux") && !exists("lib/ld64.so.2") && !exists("lib/ld64.so.1");
    let libc = match (arch, musl) {
        ("armv7", true) => "musleabihf",
        ("armv7", false) => "gnueabihf",
        ("arm", true) => "musleabi",
        ("arm", false) => "gnueabi",
        (_, true) => "musl",
        (_, false) => "gnu",
    };
    Some(format!("{arch}-unknown-linux-{libc}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(files: &[&str], machine: &str, android: bool, bits32: bool) -> Option<String> {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        detect("Linux", machine, android, bits32, root.path())
    }

    #[test]
    fn devices_are_told_apart_by_their_loaders() {
        for (files, machine, android, bits32, triple) in [
            (&["lib64/ld-linux-x86-64.so.2"][..], "x86_64", false, false, "x86_64-unknown-linux-gnu"),
            (&["lib/ld-musl-x86_64.so.1"], "x86_64", false, false, "x86_64-unknown-linux-musl"),
            (
                &["lib/ld-musl-x86_64.so.1", "lib64/ld-linux-x86-64.so.2"],
                "x86_64",
                false,
                false,
                "x86_64-unknown-linux-gnu",
            ),
            (&["system/bin/linker64"], "aarch64", false, false, "aarch64-linux-android"),
            (&[], "aarch64", true, false, "aarch64-linux-android"),
            (&[], "aarch64", true, true, "armv7-linux-androideabi"),
            (&["system/bin/linker"], "armv8l", true, true, "armv7-linux-androideabi"),
            (&["lib/ld-linux-armhf.so.3"], "armv7l", false, true, "armv7-unknown-linux-gnueabihf"),
            (&["lib/ld-linux-aarch64.so.1"], "aarch64", false, false, "aarch64-unknown-linux-gnu"),
            (&[], "riscv64", false, false, "riscv64gc-unknown-linux-gnu"),
        ] {
            assert_eq!(with(files, machine, android, bits32).as_deref(), Some(triple));
        }
        assert_eq!(with(&[], "vax", false, false), None);
        assert_eq!(detect("Darwin", "arm64", false, false, Path::new("/")).as_deref(), Some("aarch64-apple-darwin"));
        assert_eq!(detect("Haiku", "x86_64", false, false, Path::new("/")), None);
    }

    #[test]
    fn this_machine_has_a_triple() {
        assert!(triple().is_some());
    }
}

//! What a target's systems demand of a program.

use object::elf;

use super::Destination;
use super::elf::Facts;

/// Page size of newer 64-bit Android devices (developer.android.com/guide/practices/page-sizes).
const ANDROID_PAGE: u64 = 16 * 1024;

/// Libraries that every Android device lets programs use, with the API level that brought them
/// (developer.android.com/ndk/guides/stable_apis).
const ANDROID_LIBRARIES: [(&str, u32); 21] = [
    ("libc.so", 1),
    ("libdl.so", 1),
    ("libm.so", 1),
    ("libstdc++.so", 1),
    ("liblog.so", 3),
    ("libz.so", 3),
    ("libGLESv1_CM.so", 4),
    ("libGLESv2.so", 5),
    ("libjnigraphics.so", 8),
    ("libandroid.so", 9),
    ("libEGL.so", 9),
    ("libOpenSLES.so", 9),
    ("libGLESv3.so", 18),
    ("libmediandk.so", 21),
    ("libcamera2ndk.so", 24),
    ("libvulkan.so", 24),
    ("libaaudio.so", 26),
    ("libnativewindow.so", 26),
    ("libneuralnetworks.so", 27),
    ("libbinder_ndk.so", 29),
    ("libamidi.so", 29),
];

/// Something about a program that its owner should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finding {
    /// It can't run.
    Refusal(String),
    /// It may not run.
    Warning(String),
}

/// Holds a program against the rules of its target.
pub(super) fn judge(facts: &Facts, to: &Destination) -> Vec<Finding> {
    if let Some(found) = machine(facts, to.target) {
        return vec![Finding::Refusal(found)];
    }
    if to.target.contains("-linux-android") {
        android(facts, to)
    } else if to.target.contains("-linux-") {
        linux(facts, to)
    } else {
        Vec::new()
    }
}

/// What is wrong with the machine; a target nobody here knows has any.
fn machine(facts: &Facts, target: &str) -> Option<String> {
    let arch = target.split('-').next().unwrap_or_default();
    let (machine, bits) = match arch {
        "x86_64" if target.ends_with("x32") => (elf::EM_X86_64, 32),
        "x86_64" => (elf::EM_X86_64, 64),
        "i586" | "i686" => (elf::EM_386, 32),
        "aarch64" => (elf::EM_AARCH64, 64),
        "arm" | "armv5te" | "armv7" | "thumbv7neon" => (elf::EM_ARM, 32),
        _ if arch.starts_with("riscv64") => (elf::EM_RISCV, 64),
        "powerpc64" | "powerpc64le" => (elf::EM_PPC64, 64),
        "s390x" => (elf::EM_S390, 64),
        "loongarch64" => (elf::EM_LOONGARCH, 64),
        _ => return None,
    };
    (facts.machine != machine.0 || facts.bits != bits).then(|| {
        format!(
            "it is for the machine {} of elf.h with {} bits, {target} is {} with {bits}: something in the build names a \
             linker of another target",
            facts.machine, facts.bits, machine.0
        )
    })
}

fn android(facts: &Facts, to: &Destination) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut refuse = |why: String| findings.push(Finding::Refusal(why));
    let loader = if facts.bits == 64 { "/system/bin/linker64" } else { "/system/bin/linker" };
    match &facts.interpreter {
        Some(found) if found != loader => {
            refuse(format!("it asks for the loader `{found}`, Android's is `{loader}`: it wasn't linked with the NDK"));
        }
        None if !facts.needed.is_empty() => {
            refuse(format!(
                "it asks for no loader, but needs libraries: link it with the NDK, whose loader is `{loader}`"
            ));
        }
        _ => {}
    }
    if facts.interpreter.is_some() && !facts.position_independent {
        refuse(
            "it is not position independent, which Android refuses: remove `-C relocation-model=static` or \
                `-no-pie` from the flags"
                .to_owned(),
        );
    }
    if facts.text_relocations {
        refuse(
            "its code has text relocations, which Android refuses: some C or assembly in it was compiled without -fPIC"
                .to_owned(),
        );
    }
    // Bionic keeps its own slots before a program's thread-local data (bionic/docs/elf-tls.md).
    let slots = match facts.machine {
        machine if machine == elf::EM_AARCH64.0 => 64,
        machine if machine == elf::EM_ARM.0 => 32,
        _ => 0,
    };
    if facts.tls_alignment.is_some_and(|alignment| alignment < slots) {
        refuse(format!(
            "its thread-local storage is aligned to less than {slots} bytes, which Android refuses: it wasn't linked \
             with the NDK's start files (r21 or later)"
        ));
    }
    let mut warn = |what: String| findings.push(Finding::Warning(what));
    if facts.interpreter.is_none() && facts.needed.is_empty() {
        warn(
            "it is linked statically: on Android it can't look up names in the network, and may not start; remove \
              `-C target-feature=+crt-static`"
                .to_owned(),
        );
    }
    if facts.bits == 64 && facts.load_alignment < ANDROID_PAGE {
        warn(format!(
            "it is aligned to pages of {} bytes and won't start on devices with pages of 16 KB: remove \
             `max-page-size` from the linker's flags, or set it to {ANDROID_PAGE}",
            facts.load_alignment
        ));
    }
    for library in &facts.needed {
        if let Some(what) = library_of_android(library, facts, to) {
            warn(what);
        }
    }
    if to.made.platform_verifier {
        warn("it contains `rustls-platform-verifier`, which asks Android's Java side for certificates and panics in a \
              program that is no app: where TLS is set up, use `webpki-roots` or read the file that SSL_CERT_FILE names \
              (Termux: $PREFIX/etc/tls/cert.pem)"
            .to_owned());
    }
    findings
}

/// What is wrong with needing `library`.
fn library_of_android(library: &str, facts: &Facts, to: &Destination) -> Option<String> {
    match ANDROID_LIBRARIES.iter().find(|(name, _)| *name == library) {
        Some((_, since)) if *since <= to.android_api => return None,
        Some((_, since)) => {
            return Some(format!(
                "it needs `{library}`, which devices have from API level {since} on, and it is built for {}",
                to.android_api
            ));
        }
        None => {}
    }
    // Someone has told the loader where Termux keeps libraries.
    if facts.search.contains("/com.termux/") {
        return None;
    }
    let by = linked_by(library, to);
    Some(if library == "libc++_shared.so" {
        format!(
            "it needs `{library}`{by}, which Android has in no place of its own, so it won't start: have it linked \
             statically (a build script that uses the `cc` crate does so by itself; look for a feature of that crate), or \
             in Termux `pkg install libc++` and start it with LD_LIBRARY_PATH=$PREFIX/lib"
        )
    } else {
        format!(
            "it needs `{library}`{by}, which Android doesn't have: choose a feature of the crate that links it statically \
             (often `vendored`, `bundled` or `static`), or in Termux install the package that has it and start the \
             program with LD_LIBRARY_PATH=$PREFIX/lib"
        )
    })
}

/// Which packages' build scripts asked for a library.
fn linked_by(library: &str, to: &Destination) -> String {
    let name = library.trim_start_matches("lib").split(".so").next().unwrap_or_default();
    let mut packages: Vec<&str> =
        to.made.linked.iter().filter(|linked| linked.library == name).map(|linked| linked.package.as_str()).collect();
    packages.sort_unstable();
    packages.dedup();
    match packages[..] {
        [] => String::new(),
        _ => format!(" (linked by {})", packages.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")),
    }
}

fn linux(facts: &Facts, to: &Destination) -> Vec<Finding> {
    let mut findings = Vec::new();
    let target = to.target;
    match (&facts.interpreter, loader_of_linux(target)) {
        (Some(found), Some(loader)) if found != &loader => {
            let file = |path: &str| path.rsplit('/').next().map(str::to_owned);
            findings.push(if file(found) == file(&loader) {
                Finding::Warning(format!(
                    "it asks for the loader `{found}`, which only some systems have; elsewhere it is `{loader}`"
                ))
            } else {
                Finding::Refusal(format!(
                    "it asks for the loader `{found}`, {target} has `{loader}`: something in the build names a linker of \
                     another target"
                ))
            });
        }
        (None, _) if !facts.needed.is_empty() => {
            findings.push(Finding::Refusal(format!("it asks for no loader, but needs {}", facts.needed.join(", "))));
        }
        _ => {}
    }
    if facts.text_relocations {
        findings.push(Finding::Warning(
            "its code has text relocations, which hardened systems refuse: some C or assembly in it was compiled without \
             -fPIC"
                .to_owned(),
        ));
    }
    if to.device.is_some_and(|device| device.contains("android")) {
        findings.push(if facts.interpreter.is_some() {
            Finding::Warning(format!(
                "it is for {target} and won't start in Termux, outside of a proot distribution: build for Android instead"
            ))
        } else {
            Finding::Warning(format!(
                "it is a static program for {target}: in Termux it finds no /etc/resolv.conf and so no host by name; build \
                 for Android instead"
            ))
        });
    }
    findings
}

/// The loader of a Linux target, where there is only one.
fn loader_of_linux(target: &str) -> Option<String> {
    let arch = target.split('-').next()?;
    let abi = target.rsplit('-').next()?;
    if let Some(float) = abi.strip_prefix("musl") {
        let arch = match (arch, float) {
            ("i586" | "i686", _) => "i386",
            ("arm" | "armv5te" | "armv7" | "thumbv7neon", "eabihf") => "armhf",
            ("arm" | "armv5te" | "armv7", _) => "arm",
            ("riscv64gc", _) => "riscv64",
            (arch, _) => arch,
        };
        return Some(format!("/lib/ld-musl-{arch}.so.1"));
    }
    let loader = match (arch, abi) {
        ("x86_64", "gnu") => "/lib64/ld-linux-x86-64.so.2",
        ("aarch64", "gnu") => "/lib/ld-linux-aarch64.so.1",
        ("arm" | "armv7" | "thumbv7neon", "gnueabihf") => "/lib/ld-linux-armhf.so.3",
        ("arm" | "armv5te" | "armv7", "gnueabi") => "/lib/ld-linux.so.3",
        ("i586" | "i686", "gnu") => "/lib/ld-linux.so.2",
        ("riscv64gc", "gnu") => "/lib/ld-linux-riscv64-lp64d.so.1",
        ("powerpc64le", "gnu") => "/lib64/ld64.so.2",
        ("s390x", "gnu") => "/lib/ld64.so.1",
        _ => return None,
    };
    Some(loader.to_owned())
}

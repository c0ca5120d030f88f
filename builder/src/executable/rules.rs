//! The requirements of Android and Linux for programs.

use object::elf;

use super::ProgramContext;
use super::elf::ElfHeaders;

/// Page size of newer 64-bit Android devices in bytes (developer.android.com/guide/practices/page-sizes).
const ANDROID_PAGE: u64 = 16 * 1024;

/// The libraries that programs may use on every Android device, each with its first API level
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

/// A reason why a program can't run on its target, or may not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ProgramIssue {
    /// The program can't run, for this reason.
    Refusal(String),
    /// The program may not run, for this reason.
    Warning(String),
}

/// Checks a program's headers against the requirements of its target.
pub(super) fn issues(headers: &ElfHeaders, context: &ProgramContext) -> Vec<ProgramIssue> {
    if let Some(why) = wrong_machine(headers, context.target) {
        return vec![ProgramIssue::Refusal(why)];
    }
    if context.target.contains("-linux-android") {
        android(headers, context)
    } else if context.target.contains("-linux-") {
        linux(headers, context)
    } else {
        Vec::new()
    }
}

/// Why the program is for another machine. `None` if it fits, or if the target's machine is unknown here.
fn wrong_machine(headers: &ElfHeaders, target: &str) -> Option<String> {
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
    (headers.machine != machine.0 || headers.bits != bits).then(|| {
        format!(
            "it is for machine {} of elf.h with {} bits, but {target} is machine {} with {bits} bits: something in the build \
             uses a linker of another target",
            headers.machine, headers.bits, machine.0
        )
    })
}

fn android(headers: &ElfHeaders, context: &ProgramContext) -> Vec<ProgramIssue> {
    let mut issues = Vec::new();
    let mut refuse = |why: String| issues.push(ProgramIssue::Refusal(why));
    let loader = if headers.bits == 64 { "/system/bin/linker64" } else { "/system/bin/linker" };
    match &headers.interpreter {
        Some(found) if found != loader => {
            refuse(format!(
                "it asks for the loader `{found}`, but Android's is `{loader}`: it wasn't linked with the NDK"
            ));
        }
        None if !headers.needed.is_empty() => {
            refuse(format!(
                "it asks for no loader, but needs libraries: link it with the NDK, which sets the loader `{loader}`"
            ));
        }
        _ => {}
    }
    if headers.interpreter.is_some() && !headers.position_independent {
        refuse(
            "it is not position independent, which Android refuses: remove `-C relocation-model=static` or \
                `-no-pie` from the flags"
                .to_owned(),
        );
    }
    if headers.text_relocations {
        refuse(
            "its code has text relocations, which Android refuses: some C or assembly in it was compiled without -fPIC"
                .to_owned(),
        );
    }
    // Bionic reserves space before a program's thread-local data (bionic/docs/elf-tls.md).
    let slots = match headers.machine {
        machine if machine == elf::EM_AARCH64.0 => 64,
        machine if machine == elf::EM_ARM.0 => 32,
        _ => 0,
    };
    if headers.tls_alignment.is_some_and(|alignment| alignment < slots) {
        refuse(format!(
            "its thread-local storage is aligned to less than {slots} bytes, which Android refuses: it wasn't linked \
             with the NDK's start files (r21 or later)"
        ));
    }
    let mut warn = |what: String| issues.push(ProgramIssue::Warning(what));
    if headers.interpreter.is_none() && headers.needed.is_empty() {
        warn(
            "it is linked statically, so on Android it can't look up host names and may not start: remove \
              `-C target-feature=+crt-static`"
                .to_owned(),
        );
    }
    if headers.bits == 64 && headers.load_alignment < ANDROID_PAGE {
        warn(format!(
            "it is aligned to pages of {} bytes, so it won't start on devices with pages of 16 KB: remove \
             `max-page-size` from the linker's flags, or set it to {ANDROID_PAGE}",
            headers.load_alignment
        ));
    }
    for library in &headers.needed {
        if let Some(what) = library_issue(library, headers, context) {
            warn(what);
        }
    }
    if context.build.platform_verifier {
        warn("it contains `rustls-platform-verifier`, which gets its certificates through Android's Java API and panics \
              in a program that is not an app: where TLS is set up, use `webpki-roots` or read the file that SSL_CERT_FILE names \
              (Termux: $PREFIX/etc/tls/cert.pem)"
            .to_owned());
    }
    issues
}

/// Why the program may not find `library` on a device. `None` if it will.
fn library_issue(library: &str, headers: &ElfHeaders, context: &ProgramContext) -> Option<String> {
    match ANDROID_LIBRARIES.iter().find(|(name, _)| *name == library) {
        Some((_, since)) if *since <= context.android_api => return None,
        Some((_, since)) => {
            return Some(format!(
                "it needs `{library}`, which devices have from API level {since} on, but it was built for level {}",
                context.android_api
            ));
        }
        None => {}
    }
    // The program tells the loader where Termux keeps its libraries.
    if headers.search.contains("/com.termux/") {
        return None;
    }
    let by = linked_by(library, context);
    Some(if library == "libc++_shared.so" {
        format!(
            "it needs `{library}`{by}, which Android doesn't have, so it won't start: link the library statically (a \
             build script that uses the `cc` crate does so by itself; look for a feature of that crate), or in Termux \
             `pkg install libc++` and start the program with LD_LIBRARY_PATH=$PREFIX/lib"
        )
    } else {
        format!(
            "it needs `{library}`{by}, which Android doesn't have: choose a feature of the crate that links it statically \
             (often `vendored`, `bundled` or `static`), or in Termux install the package that contains it and start the \
             program with LD_LIBRARY_PATH=$PREFIX/lib"
        )
    })
}

/// Names the packages whose build scripts asked for a library, in parentheses. Empty if none did.
fn linked_by(library: &str, context: &ProgramContext) -> String {
    let name = library.trim_start_matches("lib").split(".so").next().unwrap_or_default();
    let mut packages: Vec<&str> = context
        .build
        .linked
        .iter()
        .filter(|linked| linked.library == name)
        .map(|linked| linked.package.as_str())
        .collect();
    packages.sort_unstable();
    packages.dedup();
    match packages[..] {
        [] => String::new(),
        _ => format!(" (linked by {})", packages.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")),
    }
}

fn linux(headers: &ElfHeaders, context: &ProgramContext) -> Vec<ProgramIssue> {
    let mut issues = Vec::new();
    let target = context.target;
    match (&headers.interpreter, loader_of_linux(target)) {
        (Some(found), Some(loader)) if found != &loader => {
            let file = |path: &str| path.rsplit('/').next().map(str::to_owned);
            issues.push(if file(found) == file(&loader) {
                ProgramIssue::Warning(format!(
                    "it asks for the loader `{found}`, which only some systems have; the usual one is `{loader}`"
                ))
            } else {
                ProgramIssue::Refusal(format!(
                    "it asks for the loader `{found}`, but {target} has `{loader}`: something in the build uses a linker of \
                     another target"
                ))
            });
        }
        (None, _) if !headers.needed.is_empty() => {
            issues
                .push(ProgramIssue::Refusal(format!("it asks for no loader, but needs {}", headers.needed.join(", "))));
        }
        _ => {}
    }
    if headers.text_relocations {
        issues.push(ProgramIssue::Warning(
            "its code has text relocations, which hardened systems refuse: some C or assembly in it was compiled without \
             -fPIC"
                .to_owned(),
        ));
    }
    if context.device.is_some_and(|device| device.contains("android")) {
        issues.push(if headers.interpreter.is_some() {
            ProgramIssue::Warning(format!(
                "it is for {target}, so it won't start in Termux unless in a proot distribution: build for Android instead"
            ))
        } else {
            ProgramIssue::Warning(format!(
                "it is a static program for {target}: in Termux there is no /etc/resolv.conf, so it can't look up host \
                 names; build for Android instead"
            ))
        });
    }
    issues
}

/// Path of a Linux target's loader, if the target has only one.
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

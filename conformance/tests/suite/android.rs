//! The project's main command: a program for Android, through the real cargo-ndk. The NDK is a stand-in that links what
//! has the form of such a program; nothing here can run one.

use std::path::Path;

use conformance::{Backend, Client, Options, Project, android, program};

const TARGET: &str = "aarch64-linux-android";

/// What an ELF file says of the machine it is for, and of what loads it.
fn elf(path: &Path) -> (u16, bool) {
    let bytes = std::fs::read(path).expect("a program");
    assert_eq!(&bytes[..6], b"\x7fELF\x02\x01", "64 bits, little end first");
    let loader = b"/system/bin/linker64\0";
    (u16::from_le_bytes([bytes[18], bytes[19]]), bytes.windows(loader.len()).any(|window| window == loader))
}

/// `EM_AARCH64` of elf.h.
const AARCH64: u16 = 183;

/// A backend with cargo-ndk and the stand-in for the NDK, and its client.
fn backend() -> (Backend, Client) {
    let backend = Backend::with(Options { env: android::environment(), ..Options::default() });
    let client = Client::of(&backend);
    (backend, client)
}

/// A program whose build script says this to cargo.
fn telling(line: &str) -> Project {
    let build = format!("fn main() {{ println!(\"{line}\"); }}\n");
    Project::new().file("Cargo.toml", program("tablet")).file("build.rs", build).file("src/main.rs", "fn main() {}\n")
}

/// `EM_ARM`.
const ARM: u16 = 40;

#[test]
#[cfg_attr(not(has_arm_android), ignore = "needs `make android-tools` and the target armv7-linux-androideabi")]
fn two_targets_are_linked_each_for_its_machine() {
    let (_backend, client) = backend();
    let project = Project::hello("tablet", "hello");
    let other = "armv7-linux-androideabi";
    client.run(project.root(), &["build", "--no-install", "--target", TARGET, "--target", other]).succeeded();
    for (target, machine) in [(TARGET, AARCH64), (other, ARM)] {
        let bytes = std::fs::read(project.path(&format!("target/{target}/debug/tablet"))).expect("a program");
        assert_eq!(u16::from_le_bytes([bytes[18], bytes[19]]), machine, "{target}");
    }
}

#[test]
#[cfg_attr(not(has_android), ignore = "needs `make android-tools`")]
fn a_library_no_device_has_is_spoken_of_with_the_crate_that_wants_it() {
    let (_backend, client) = backend();
    let project = telling("cargo::rustc-link-lib=dylib=c++_shared").file(
        "src/main.rs",
        "unsafe extern \"C\" { fn __cxa_pure_virtual(); }\nfn main() { unsafe { __cxa_pure_virtual() } }\n",
    );
    client
        .run(project.root(), &["build", "--target", TARGET])
        .succeeded()
        .says(&["warning: `tablet` may not run: it needs `libc++_shared.so` (linked by `tablet`)"]);
}

#[test]
#[cfg_attr(not(has_android), ignore = "needs `make android-tools`")]
fn a_program_that_cannot_run_does_not_come_home() {
    let (_backend, client) = backend();
    let project = telling("cargo::rustc-link-arg=-Wl,--dynamic-linker=/lib/ld-linux-aarch64.so.1");
    client
        .run(project.root(), &["build", "--target", TARGET])
        .exited(101)
        .says(&["`tablet` was built and can't run: it asks for the loader"]);
    assert!(!client.installed("tablet").exists());
}

#[test]
#[cfg_attr(not(has_android), ignore = "needs `make android-tools`")]
fn an_api_level_is_the_manifests_and_one_the_ndk_lacks_is_refused() {
    let (_backend, client) = backend();
    let manifest = |level: u32| format!("{}\n[package.metadata.ndk]\nplatform = {level}\n", program("tablet"));
    let project = Project::new().file("Cargo.toml", manifest(31)).file("src/main.rs", "fn main() {}\n");
    client
        .run(project.root(), &["build", "--target", TARGET])
        .exited(101)
        .says(&["no libraries of API level 31", "only of 24"]);
    let project = project.file("Cargo.toml", manifest(24));
    client.run(project.root(), &["build", "--target", TARGET]).succeeded();
}

#[test]
#[cfg_attr(not(has_android), ignore = "needs `make android-tools`")]
fn a_program_for_a_tablet_is_linked_by_cargo_ndk() {
    let (_backend, client) = backend();
    let project = Project::new()
        .file("Cargo.toml", program("tablet"))
        .file("native.c", "int answer(void) { return 42; }\n")
        // What the `cc` crate does: compiler, archiver and flags are those the target's variables name, in either spelling.
        .file(
            "build.rs",
            r#"
use std::{env::var, process::Command};
fn main() {
    let (out, target) = (var("OUT_DIR").unwrap(), var("TARGET").unwrap());
    let of_target = |name: &str| {
        var(format!("{name}_{target}")).or_else(|_| var(format!("{name}_{}", target.replace('-', "_"))))
    };
    let tool = |name| Command::new(of_target(name).unwrap_or_else(|_| panic!("no {name} for {target}")));
    let flags = of_target("CFLAGS").unwrap();
    let run = |command: &mut Command| assert!(command.status().unwrap().success());
    let (object, library) = (format!("{out}/native.o"), format!("{out}/libnative.a"));
    run(tool("CC").args(flags.split_whitespace()).args(["-fPIC", "-c", "native.c", "-o", &object]));
    run(tool("AR").args(["rcs", &library, &object]));
    run(tool("RANLIB").arg(&library));
    println!("cargo::rustc-link-search=native={out}");
    println!("cargo::rustc-link-lib=static=native");
}
"#,
        )
        .file(
            "src/main.rs",
            "unsafe extern \"C\" { fn answer() -> i32; }\nfn main() { println!(\"{}\", unsafe { answer() }); }\n",
        );
    let run = client.run(project.root(), &["build", "--target", TARGET]).succeeded();
    assert_eq!(run.compiled(), ["tablet"]);
    assert_eq!(elf(&client.installed("tablet")), (AARCH64, true));
    // As cargo would have left it, and with nothing built twice.
    client.run(project.root(), &["build", "-r", "--no-install", "--target", TARGET]).succeeded();
    assert_eq!(elf(&project.path(&format!("target/{TARGET}/release/tablet"))), (AARCH64, true));
}

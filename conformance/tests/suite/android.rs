//! The project's main command: a program for Android, through the real cargo-ndk. The NDK is a stand-in that links what
//! has the form of such a program; nothing here can run one.

use std::path::Path;

use conformance::{ScenarioBackend, ScenarioClient, ScenarioOptions, ScenarioProject, android, program};

const TARGET: &str = "aarch64-linux-android";

/// The properties of an ELF file.
#[derive(Debug, PartialEq)]
struct Elf {
    /// The machine, `e_machine` of elf.h.
    machine: u16,
    /// The path of the dynamic loader.
    loader: String,
    /// The alignment of the segments in bytes.
    pages: Vec<u64>,
}

fn elf(path: &Path) -> Elf {
    let bytes = std::fs::read(path).expect("a program");
    let wide = bytes[4] == 2;
    assert_eq!((&bytes[..4], bytes[5]), (&b"\x7fELF"[..], 1), "the file is not a little-endian ELF file");
    let number = |at: usize, size: usize| {
        bytes[at..at + size].iter().rev().fold(0u64, |number, byte| number << 8 | u64::from(*byte))
    };
    // Elf64_Ehdr and Elf64_Phdr, Elf32_Ehdr and Elf32_Phdr.
    let (table, entry, count) = if wide { (32, 54, 56) } else { (28, 42, 44) };
    let word = if wide { 8 } else { 4 };
    let (offset, size, align) = if wide { (8, 32, 48) } else { (4, 16, 28) };
    let mut found = Elf { machine: number(18, 2) as u16, loader: String::new(), pages: Vec::new() };
    for index in 0..number(count, 2) {
        let at = (number(table, word) + index * number(entry, 2)) as usize;
        match number(at, 4) {
            1 => found.pages.push(number(at + align, word)),
            3 => {
                let from = number(at + offset, word) as usize;
                let name = &bytes[from..from + number(at + size, word) as usize];
                found.loader = String::from_utf8_lossy(name).trim_end_matches('\0').to_owned();
            }
            _ => {}
        }
    }
    found.pages.dedup();
    found
}

/// A program for a device of this machine (`e_machine` of elf.h): loaded by Android, and on pages of 16 KB too, which
/// without the NDK's flag would be lld's 64.
fn of_device(machine: u16) -> Elf {
    let wide = matches!(machine, 62 | 183);
    let loader = if wide { "/system/bin/linker64" } else { "/system/bin/linker" };
    Elf { machine, loader: loader.to_owned(), pages: vec![if wide { 16384 } else { 4096 }] }
}

/// `EM_AARCH64`.
const AARCH64: u16 = 183;

/// A backend with cargo-ndk and the stand-in for the NDK, and its client.
fn backend() -> (ScenarioBackend, ScenarioClient) {
    let backend = ScenarioBackend::with(ScenarioOptions { env: android::environment(), ..ScenarioOptions::default() });
    let client = ScenarioClient::of(&backend);
    (backend, client)
}

/// A program whose build script prints this line to cargo.
fn telling(line: &str) -> ScenarioProject {
    let build = format!("fn main() {{ println!(\"{line}\"); }}\n");
    ScenarioProject::new()
        .file("Cargo.toml", program("tablet"))
        .file("build.rs", build)
        .file("src/main.rs", "fn main() {}\n")
}

#[test]
#[cfg_attr(not(has_all_android), ignore = "needs `make android-tools` and Rust's other targets for Android")]
fn every_kind_of_device_in_one_build_is_linked_for_its_machine() {
    let (_backend, client) = backend();
    let project = ScenarioProject::hello("tablet", "hello");
    let kinds =
        [(TARGET, AARCH64), ("armv7-linux-androideabi", 40), ("i686-linux-android", 3), ("x86_64-linux-android", 62)];
    let flags = kinds.iter().flat_map(|(target, _)| ["--target", target]);
    let arguments: Vec<_> = ["build", "--no-install"].into_iter().chain(flags).collect();
    client.run(project.root(), &arguments).succeeded().never_says("may not run");
    for (target, machine) in kinds {
        assert_eq!(elf(&project.path(&format!("target/{target}/debug/tablet"))), of_device(machine), "{target}");
    }
}

#[test]
#[cfg_attr(not(has_android), ignore = "needs `make android-tools`")]
fn a_missing_library_is_reported_with_the_crate_that_needs_it() {
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
fn a_program_that_cannot_run_on_the_device_is_not_installed() {
    let (_backend, client) = backend();
    let project = telling("cargo::rustc-link-arg=-Wl,--dynamic-linker=/lib/ld-linux-aarch64.so.1");
    client
        .run(project.root(), &["build", "--target", TARGET])
        .exited(101)
        .says(&["`tablet` was built, but it can't run: it asks for the loader"]);
    assert!(!client.installed("tablet").exists());
}

#[test]
#[cfg_attr(not(has_android), ignore = "needs `make android-tools`")]
fn the_manifest_sets_the_api_level_and_one_that_the_ndk_lacks_is_refused() {
    let (_backend, client) = backend();
    let manifest = |level: u32| format!("{}\n[package.metadata.ndk]\nplatform = {level}\n", program("tablet"));
    let project = ScenarioProject::new().file("Cargo.toml", manifest(31)).file("src/main.rs", "fn main() {}\n");
    client
        .run(project.root(), &["build", "--target", TARGET])
        .exited(101)
        .says(&["no libraries of API level 31", "only of 24"]);
    // The command line comes before the manifest, and cargo-ndk's own variable, too.
    client.run(project.root(), &["build", "--target", TARGET, "--platform", "24"]).succeeded();
    let client = client.env("CARGO_NDK_PLATFORM", "33");
    client.run(project.root(), &["build", "--target", TARGET]).exited(101).says(&["no libraries of API level 33"]);
    let client = client.env("CARGO_NDK_PLATFORM", "24");
    client.run(project.root(), &["build", "--target", TARGET]).succeeded();
    let project = project.file("Cargo.toml", manifest(24));
    client.run(project.root(), &["build", "--target", TARGET, "--platform", "19"]).exited(101).says(&["lowest is 21"]);
    client.env("CARGO_NDK_PLATFORM", "").run(project.root(), &["build", "--target", TARGET]).succeeded();
}

#[test]
#[cfg_attr(not(has_android), ignore = "needs `make android-tools`")]
fn a_program_for_a_tablet_is_linked_by_cargo_ndk() {
    let (_backend, client) = backend();
    let project = ScenarioProject::new()
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
    assert_eq!(elf(&client.installed("tablet")), of_device(AARCH64));
    // As cargo would have built it, and without building anything twice.
    client.run(project.root(), &["build", "-r", "--no-install", "--target", TARGET]).succeeded();
    assert_eq!(elf(&project.path(&format!("target/{TARGET}/release/tablet"))), of_device(AARCH64));
}

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

#[test]
#[cfg_attr(not(has_android), ignore = "needs `make android-tools`")]
fn a_program_for_a_tablet_is_linked_by_cargo_ndk() {
    let backend = Backend::with(Options { env: android::environment(), ..Options::default() });
    let client = Client::of(&backend);
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

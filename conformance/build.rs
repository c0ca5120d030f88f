//! Tells the scenarios what this machine has, so that one that can't run here is counted as ignored, with the reason.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-env=TARGET_OF_SUITE={}", std::env::var("TARGET").unwrap_or_default());
    println!(
        "cargo::rustc-check-cfg=cfg(can_mount, has_musl, has_android, has_all_android, has_systemd, has_other_machine)"
    );
    if !output("systemd-analyze", &["--version"]).is_empty() {
        println!("cargo::rustc-cfg=has_systemd");
    }
    if output("id", &["-u"]) == "0" {
        println!("cargo::rustc-cfg=can_mount");
    }
    let tools = Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../target/tools/bin");
    println!("cargo::rerun-if-changed={}", tools.display());
    let targets = Path::new(&output("rustc", &["--print", "sysroot"])).join("lib/rustlib");
    println!("cargo::rerun-if-changed={}", targets.display());
    if targets.join("x86_64-unknown-linux-musl").is_dir() {
        println!("cargo::rustc-cfg=has_musl");
    }
    // A kind of machine that the builder is not, and whose programs run here all the same.
    if targets.join("i686-unknown-linux-musl").is_dir() && output("setarch", &["i686", "uname", "-m"]) == "i686" {
        println!("cargo::rustc-cfg=has_other_machine");
    }
    let ndk_parts = ["clang", "ld.lld", "llvm-ar", "readelf"];
    if targets.join("aarch64-linux-android").is_dir()
        && tools.join("cargo-ndk").is_file()
        && ndk_parts.iter().all(|program| !output(program, &["--version"]).is_empty())
    {
        println!("cargo::rustc-cfg=has_android");
        let others = ["armv7-linux-androideabi", "i686-linux-android", "x86_64-linux-android"];
        if others.iter().all(|target| targets.join(target).is_dir()) {
            println!("cargo::rustc-cfg=has_all_android");
        }
    }
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

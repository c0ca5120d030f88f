//! Makes the client of the profile `client` smaller than rustc alone can.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=no-unwind-tables.ld");
    println!("cargo::rustc-check-cfg=cfg(no_unwind_tables)");
    let variable = |name: &str| env::var(name).unwrap_or_default();
    // Cargo doesn't tell a profile's name; no other one of this workspace optimises for size.
    if variable("OPT_LEVEL") != "z" {
        return;
    }
    let android = variable("CARGO_CFG_TARGET_OS") == "android";
    let linux = variable("CARGO_CFG_TARGET_OS") == "linux" && variable("CARGO_CFG_TARGET_ENV") == "gnu";
    // The default linkers, GNU ld and lld, read the script; what else a user may choose (mold, gold) does not. Musl's
    // start-up code refers to the tables.
    if (android || linux) && !variable("CARGO_ENCODED_RUSTFLAGS").contains("-fuse-ld=") {
        println!("cargo::rustc-link-arg-bins=-T{}/no-unwind-tables.ld", variable("CARGO_MANIFEST_DIR"));
        println!("cargo::rustc-cfg=no_unwind_tables");
    }
}

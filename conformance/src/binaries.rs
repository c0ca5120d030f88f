//! The binaries under test: those named by `CONFORMANCE_CLIENT`, `CONFORMANCE_BACKEND` and `CONFORMANCE_EMULATOR`,
//! otherwise those that cargo builds once, in the dev profile and in the suite's own target directory.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The folder with the binaries, which is where cargo has put the suite.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let me = std::env::current_exe().expect("the suite's own path");
        let folder = me.ancestors().nth(2).expect("target/<profile>/deps").to_owned();
        let status = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "-p", "cargo-cloud", "-p", "cargo-cloud-local", "--target-dir"])
            .arg(folder.parent().expect("target"))
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace"))
            .status()
            .expect("cargo starts");
        assert!(status.success(), "the binaries under test don't build");
        folder
    })
}

fn named(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from)
}

/// The path of the client's program.
pub fn client_binary() -> PathBuf {
    named("CONFORMANCE_CLIENT").unwrap_or_else(|| folder().join("cargo-cloud"))
}

/// The path of the embedded backend's program.
pub fn backend_binary() -> PathBuf {
    named("CONFORMANCE_BACKEND").unwrap_or_else(|| folder().join("cargo-cloud-local"))
}

/// The path of the emulator's program, which runs the platform.
pub fn emulator_binary() -> PathBuf {
    named("CONFORMANCE_EMULATOR").expect("`make test-aws` names the emulator beside the platform")
}

//! The tools with which a backend builds for Android: the real cargo-ndk, and a stand-in for the NDK.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The folder of `make android-tools`. It is not in the temporary folder, because a Lambda's sandbox has its own.
const TOOLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/tools");

/// Environment variables that tell a backend where both are.
pub fn environment() -> Vec<(String, String)> {
    static NDK: OnceLock<PathBuf> = OnceLock::new();
    let ndk = NDK.get_or_init(|| {
        let ndk = Path::new(TOOLS).join("ndk");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/ndk.sh");
        let made = Command::new("bash").arg(script).arg(&ndk).status();
        assert!(made.expect("bash starts").success(), "the stand-in for the NDK can't be made");
        ndk.canonicalize().expect("its path")
    });
    let path = std::env::var("PATH").unwrap_or_default();
    let tools = Path::new(TOOLS).canonicalize().expect("its path").join("bin");
    vec![
        ("ANDROID_NDK_HOME".to_owned(), ndk.to_string_lossy().into_owned()),
        ("PATH".to_owned(), format!("{}:{path}", tools.display())),
    ]
}

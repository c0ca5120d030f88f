//! What the backend prints about the address it listens on.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may fail")]

use std::io::Read;
use std::process::{Command, Stdio};

/// Starts a backend on `address`, stops it, and returns its standard output and standard error.
fn printed(address: &str) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_cargo-cloud-local"))
        .args(["--listen", address, "--data"])
        .arg(folder.path().join("data"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = [0; 1];
    child.stdout.as_mut().unwrap().read_exact(&mut stdout).unwrap();
    // The warning comes after the greeting; a backend that stops on request has printed both.
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&stdout) + &text(&output.stdout), text(&output.stderr))
}

#[test]
fn an_open_port_prints_a_warning_and_the_tunnel_command() {
    let (greeting, warning) = printed("0.0.0.0:0");
    let port = greeting.lines().next().unwrap().rsplit(':').next().unwrap().to_owned();
    for part in ["warning: this backend listens on the network", &format!("ssh -N -L {port}:127.0.0.1:{port} ")] {
        assert!(warning.contains(part), "{warning}");
    }
    let (greeting, warning) = printed("127.0.0.1:0");
    assert!(greeting.starts_with("listening on http://127.0.0.1:"), "{greeting}");
    assert!(!warning.contains("warning"), "{warning}");
}

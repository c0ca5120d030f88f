//! What Termux's users paste: the installer of a release.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::cloud::binaries;

const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// A release of the client for this machine, as scripts/release/pack.sh lays it out.
fn release(folder: &Path) {
    let target = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    let name = format!("cargo-cloud-v0.1.0-{target}");
    let place = folder.join("latest/download");
    fs::create_dir_all(place.join(&name)).expect("a folder");
    fs::copy(binaries().join("cargo-cloud"), place.join(&name).join("cargo-cloud")).expect("the client");
    let packed = "tar -czf $0.tar.gz $0 && rm -r $0 && sha256sum ./*.tar.gz | sed 's|\\./||' >SHA256SUMS";
    let status = Command::new("sh").args(["-euc", packed, &name]).current_dir(&place).status().expect("sh starts");
    assert!(status.success());
}

fn install(folder: &Path) -> Output {
    Command::new("sh")
        .arg(Path::new(PROJECT).join("scripts/release/install.sh"))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", folder.join("home"))
        .env("RELEASES", format!("file://{}", folder.display()))
        .output()
        .expect("sh starts")
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn a_release_installs_itself_if_it_is_what_it_should_be() {
    let folder = tempfile::tempdir().expect("a folder");
    let client = folder.path().join("home/.cargo/bin/cargo-cloud");
    assert!(said(&install(folder.path())).contains("there is no release"));
    release(folder.path());
    let output = install(folder.path());
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("into your PATH") && said(&output).contains("cargo-cloud configure"));
    assert!(Command::new(&client).arg("--version").status().expect("the client starts").success());

    fs::remove_file(&client).expect("it was there");
    let sums = folder.path().join("latest/download/SHA256SUMS");
    let text = fs::read_to_string(&sums).expect("checksums");
    let other = if text.starts_with('0') { "1" } else { "0" };
    fs::write(&sums, format!("{other}{}", &text[1..])).expect("checksums");
    let output = install(folder.path());
    assert!(!output.status.success() && said(&output).contains("nothing was installed"), "{}", said(&output));
    assert!(!client.exists());
}

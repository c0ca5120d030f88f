//! Installs cargo-ndk, which this machine's cargo compiles into the set-up's folder.

use std::process::Command;

use anyhow::{Context, Result, bail};
use builder::AndroidSetup;

use super::record::SetupRecord;
use super::{pins, tool};
use crate::files;

/// Whether the pinned version of cargo-ndk is installed.
pub(super) fn is_installed(setup: &AndroidSetup, record: &SetupRecord) -> bool {
    record.cargo_ndk.as_deref() == Some(pins::cargo_ndk_version()) && setup.cargo_ndk().is_file()
}

/// Installs the pinned version of cargo-ndk, unless it is already installed.
pub(super) fn install(setup: &AndroidSetup) -> Result<()> {
    let version = pins::cargo_ndk_version();
    if is_installed(setup, &SetupRecord::load(&setup.folder)?) {
        println!("cargo-ndk {version}: installed already");
        return Ok(());
    }
    println!("cargo-ndk {version}: compiled by cargo");
    let build = setup.folder.join("cargo-ndk-build");
    let status = Command::new(tool("cargo")?)
        .args(["install", "--locked", "--force", &format!("cargo-ndk@{version}"), "--root"])
        .arg(&setup.folder)
        .env("CARGO_TARGET_DIR", &build)
        .env_remove("CARGO_BUILD_TARGET")
        // In `/`, no project's configuration or toolchain applies.
        .current_dir("/")
        .status()
        .context("cargo can't be started")?;
    let _ = files::remove_folder_if_there(&build);
    if !status.success() || !setup.cargo_ndk().is_file() {
        bail!("cargo could not install cargo-ndk {version}; what it says stands above");
    }
    SetupRecord::change(&setup.folder, |record| record.cargo_ndk = Some(version.to_owned()))
}

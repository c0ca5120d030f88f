//! `cargo-cloud-local setup android` prepares this machine to build for Android. It installs everything but the
//! standard libraries into one folder of the data folder, where a running backend finds it at its next build.

mod abi;
mod cargo_ndk;
mod download;
mod ndk;
mod options;
mod pins;
mod progress;
mod record;
mod remove;
mod standard_libraries;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use builder::AndroidSetup;

pub use self::abi::Abi;
use self::ndk::NdkSource;
pub use self::options::AndroidOptions;
use self::record::{SetupLock, SetupRecord};
use self::standard_libraries::Rustup;
use crate::data::DataFolder;

/// Tells the engine where to find the Android set-up of the backend with the data folder `data`. None on machines that
/// the set-up doesn't support, because Google publishes this form of the NDK only for Linux on x86-64.
pub(crate) fn of_data_folder(data: &Path) -> Option<AndroidSetup> {
    if !is_supported() {
        return None;
    }
    let default = DataFolder::default_path().ok().and_then(|path| path.canonicalize().ok());
    let named = if default.as_deref() == Some(data) { String::new() } else { format!(" --data {}", data.display()) };
    let command = format!("cargo-cloud-local setup android{named}");
    Some(AndroidSetup { folder: data.join(FOLDER), command })
}

/// Name of the set-up's folder in the data folder.
const FOLDER: &str = "android";

fn is_supported() -> bool {
    cfg!(all(target_os = "linux", target_arch = "x86_64"))
}

/// Runs `setup android` with these options.
///
/// # Errors
/// Fails if a part can't be installed. Parts that are installed stay, and the same command continues from there.
pub fn android(options: &AndroidOptions) -> Result<()> {
    let data = match &options.data {
        Some(path) => path.clone(),
        None => DataFolder::default_path()?,
    };
    if options.remove {
        return remove::run(&data, options.dry_run);
    }
    if !is_supported() {
        bail!(
            "`setup android` works on Linux on x86-64 only: Google has no NDK for other Linux machines, and packs the one \
             for macOS differently. On a Mac, install the NDK with Android Studio's SDK manager and cargo-ndk with `cargo \
             install cargo-ndk`, then start the backend with ANDROID_NDK_HOME set to the NDK"
        );
    }
    let rustup = Rustup::find()?;
    let targets: Vec<&str> = options.abi.iter().map(|abi| abi.target()).collect();
    let source = NdkSource::new(options.ndk_url.clone(), options.ndk_sha1.clone());
    if options.dry_run {
        let folder = data.join(FOLDER);
        return show(&folder, &source, &rustup, &targets);
    }
    let data = DataFolder::prepare(&data)?;
    let setup = AndroidSetup { folder: data.join(FOLDER), command: String::new() };
    let _lock = SetupLock::take(&setup.folder)?;
    rustup.add(&targets, &setup.folder)?;
    ndk::install(&setup, &source)?;
    cargo_ndk::install(&setup)?;
    let shown = targets.join(", ");
    println!("\nready: this backend builds for {shown}; one that runs needs no restart");
    println!("try it: cargo cloud build --target {}", targets.first().unwrap_or(&"aarch64-linux-android"));
    Ok(())
}

/// Prints what would be installed, and where (`--dry-run`).
fn show(folder: &Path, source: &NdkSource, rustup: &Rustup, targets: &[&str]) -> Result<()> {
    let record = SetupRecord::load(folder)?;
    let setup = AndroidSetup { folder: folder.to_owned(), command: String::new() };
    for target in targets {
        let state = if rustup.has(target)? { "installed already" } else { "fetched by rustup, about 30 MB" };
        println!("standard library for {target}: {state} ({})", rustup.toolchain());
    }
    let ndk = setup.ndk();
    if ndk::is_installed(&setup, &record, source) {
        println!("Android NDK {}: installed already in {}", pins::ndk_release(), ndk.display());
    } else {
        let rest = match ndk::downloaded(folder, source) {
            0 => String::new(),
            bytes => format!(", {} of it here already", progress::megabytes(bytes)),
        };
        println!(
            "Android NDK {}: {} from {}{rest}",
            pins::ndk_release(),
            progress::megabytes(pins::ndk_bytes()),
            source.url
        );
        println!("    unpacked, about 2 GB more, into {}", ndk.display());
    }
    let program = setup.cargo_ndk();
    if cargo_ndk::is_installed(&setup, &record) {
        println!("cargo-ndk {}: installed already in {}", pins::cargo_ndk_version(), program.display());
    } else {
        println!("cargo-ndk {}: compiled by cargo, into {}", pins::cargo_ndk_version(), program.display());
    }
    println!("dry run: nothing was changed");
    Ok(())
}

/// Path of a Rust program such as cargo; if it is missing, the error says how to install it.
fn tool(name: &str) -> Result<PathBuf> {
    builder::find_tool(name)
        .with_context(|| format!("there is no `{name}` on this machine: install Rust with rustup (https://rustup.rs)"))
}

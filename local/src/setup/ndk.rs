//! Downloads Google's archive of the NDK and unpacks it into the set-up's folder.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use builder::AndroidSetup;
use zip::ZipArchive;
use zip::result::ZipError;

use super::download::{ResumableDownload, full_or};
use super::pins;
use super::progress::{Spinner, megabytes};
use super::record::SetupRecord;
use crate::files;

/// The archive that the NDK is downloaded from.
pub(super) struct NdkSource {
    /// URL of the zip archive.
    pub url: String,
    /// Expected SHA-1 of the archive, in hexadecimal.
    pub sha1: String,
}

impl NdkSource {
    /// Uses Google's archive, unless another URL or SHA-1 is given.
    pub fn new(url: Option<String>, sha1: Option<String>) -> Self {
        Self {
            url: url.unwrap_or_else(|| pins::ndk_url().to_owned()),
            sha1: sha1.unwrap_or_else(|| pins::ndk_sha1().to_owned()),
        }
    }
}

/// Whether the NDK from this archive is installed.
pub(super) fn is_installed(setup: &AndroidSetup, record: &SetupRecord, source: &NdkSource) -> bool {
    record.ndk_sha1.as_ref() == Some(&source.sha1) && setup.ndk().join("source.properties").is_file()
}

/// How many bytes of the archive are already downloaded.
pub(super) fn downloaded(folder: &Path, source: &NdkSource) -> u64 {
    part(folder, source).metadata().map_or(0, |metadata| metadata.len())
}

/// Path of the archive while it is downloaded. The name depends on the SHA-1, so that a download never continues from
/// another version.
fn part(folder: &Path, source: &NdkSource) -> PathBuf {
    folder.join(format!("ndk-{}.zip.part", source.sha1.get(..8).unwrap_or(&source.sha1)))
}

/// Installs the NDK, unless this version is already installed.
pub(super) fn install(setup: &AndroidSetup, source: &NdkSource) -> Result<()> {
    let (release, folder) = (pins::ndk_release(), &setup.folder);
    // A set-up that was stopped while it unpacked leaves this folder behind.
    let unpacking = folder.join("unpacking");
    files::remove_folder_if_there(&unpacking).with_context(|| format!("{} can't be removed", unpacking.display()))?;
    if is_installed(setup, &SetupRecord::load(folder)?, source) {
        println!("Android NDK {release}: installed already");
        return Ok(());
    }
    println!("Android NDK {release}: fetched from {}", source.url);
    let part = part(folder, source);
    ResumableDownload { what: "the Android NDK", url: &source.url, sha1: &source.sha1, part: &part }.fetch()?;
    let whole = unpack(&part, &unpacking);
    let placed = whole.and_then(|ndk| {
        // An older version is removed. A build that is linking with it at this moment fails once.
        files::remove_folder_if_there(&setup.ndk())?;
        fs::rename(ndk, setup.ndk()).context("the NDK can't be put in its place")
    });
    files::remove_folder_if_there(&unpacking)?;
    placed?;
    SetupRecord::change(folder, |record| record.ndk_sha1 = Some(source.sha1.clone()))?;
    files::remove_if_there(&part)?;
    Ok(())
}

/// Unpacks the archive, which holds the NDK in a single folder, and returns the path of that folder.
fn unpack(archive: &Path, into: &Path) -> Result<PathBuf> {
    let what = || format!("{} can't be unpacked", archive.display());
    let file = File::open(archive).with_context(what)?;
    let mut zip = ZipArchive::new(file).with_context(what)?;
    let needed = zip.decompressed_size().and_then(|size| u64::try_from(size).ok()).unwrap_or_default();
    files::make_private_folder(into).with_context(what)?;
    let free = free_space(into).with_context(what)?;
    if free < needed {
        bail!(
            "there is too little space: the NDK needs {} unpacked, {} has {}. Free some, then type the same command: what \
             was downloaded stays",
            megabytes(needed),
            into.display(),
            megabytes(free)
        );
    }
    let spinner = Spinner::start(format!("unpacking the Android NDK ({})", megabytes(needed)));
    zip.extract(into).map_err(|error| match error {
        ZipError::Io(error) => full_or(error, into),
        other => other.into(),
    })?;
    drop(spinner);
    let mut ndk = None;
    for entry in into.read_dir().with_context(what)? {
        let path = entry.with_context(what)?.path();
        if path.join("source.properties").is_file() {
            ndk = Some(path);
        }
    }
    ndk.with_context(|| format!("there is no NDK in {}", archive.display()))
}

/// How many bytes this user can still write to the disk of a folder.
fn free_space(folder: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(folder)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

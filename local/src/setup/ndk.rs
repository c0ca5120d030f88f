//! The NDK: Google's archive, unpacked into the set-up's folder.

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

/// Where the NDK comes from.
pub(super) struct NdkSource {
    /// Address of the zip archive.
    pub url: String,
    /// SHA-1 that the archive must have, in hexadecimal.
    pub sha1: String,
}

impl NdkSource {
    /// Google's own, unless others are named.
    pub fn new(url: Option<String>, sha1: Option<String>) -> Self {
        Self {
            url: url.unwrap_or_else(|| pins::ndk_url().to_owned()),
            sha1: sha1.unwrap_or_else(|| pins::ndk_sha1().to_owned()),
        }
    }
}

/// Whether it is there, out of this archive.
pub(super) fn is_installed(setup: &AndroidSetup, record: &SetupRecord, source: &NdkSource) -> bool {
    record.ndk_sha1.as_ref() == Some(&source.sha1) && setup.ndk().join("source.properties").is_file()
}

/// Bytes of the archive that have arrived.
pub(super) fn downloaded(folder: &Path, source: &NdkSource) -> u64 {
    part(folder, source).metadata().map_or(0, |metadata| metadata.len())
}

/// The archive while it arrives. Another version has another name, so that nothing goes on from the wrong file.
fn part(folder: &Path, source: &NdkSource) -> PathBuf {
    folder.join(format!("ndk-{}.zip.part", source.sha1.get(..8).unwrap_or(&source.sha1)))
}

/// Installs it, unless it is there already.
pub(super) fn install(setup: &AndroidSetup, source: &NdkSource) -> Result<()> {
    let (release, folder) = (pins::ndk_release(), &setup.folder);
    // Left behind by a set-up that was stopped while it unpacked.
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
        // A former version goes; builds that link with it at this moment fail once.
        files::remove_folder_if_there(&setup.ndk())?;
        fs::rename(ndk, setup.ndk()).context("the NDK can't be put in its place")
    });
    files::remove_folder_if_there(&unpacking)?;
    placed?;
    SetupRecord::change(folder, |record| record.ndk_sha1 = Some(source.sha1.clone()))?;
    files::remove_if_there(&part)?;
    Ok(())
}

/// Unpacks the archive, whose one folder is the NDK, and gives that folder.
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

/// Bytes that this user can still write to the disk of a folder.
fn free_space(folder: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(folder)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

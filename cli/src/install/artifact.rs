//! Reads the archive that a build made. The builder runs strangers' code, so nothing in it is trusted.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};

use anyhow::{Context, bail};
use data_encoding::HEXLOWER;
use protocol::{ArtifactFile, ArtifactManifest, FileKind, MANIFEST_ENTRY};
use ring::digest::{self, SHA256};
use zip::ZipArchive;

use super::staged::{is_below, is_file_name};

/// Largest manifest in bytes that is read; real ones have some kilobytes.
const MAX_MANIFEST_BYTES: u64 = 16 * 1024 * 1024;
/// Largest central directory of the zip file in bytes that is read.
const MAX_DIRECTORY_BYTES: u64 = 32 * 1024 * 1024;

/// An open artifact whose manifest has been checked.
pub struct Artifact {
    zip: ZipArchive<File>,
    manifest: ArtifactManifest,
}

impl Artifact {
    /// Opens an artifact and checks its manifest.
    ///
    /// # Errors
    /// If it is no artifact, or its manifest names paths outside of it.
    pub fn open(mut file: File) -> anyhow::Result<Self> {
        check_directory(&mut file)?;
        let mut zip = ZipArchive::new(file).context("the artifact is not a zip archive")?;
        let manifest = {
            let entry = zip.by_index(0).context("the artifact is empty")?;
            if !entry.name().is_ok_and(|name| name == MANIFEST_ENTRY) {
                bail!("the artifact doesn't begin with `{MANIFEST_ENTRY}`");
            }
            let mut json = Vec::new();
            entry.take(MAX_MANIFEST_BYTES).read_to_end(&mut json).context("could not unpack the artifact")?;
            serde_json::from_slice::<ArtifactManifest>(&json).context("the artifact's manifest can't be read")?
        };
        for file in &manifest.files {
            if !is_below(&file.path) {
                bail!("the artifact names the path `{}`, which is not inside it", file.path.escape_debug());
            }
            if let FileKind::Executable { name, package, .. } = &file.kind {
                for name in [name, &package.name] {
                    if !is_file_name(name) {
                        bail!("the artifact holds a program with the name `{}`", name.escape_debug());
                    }
                }
            }
        }
        Ok(Self { zip, manifest })
    }

    /// The artifact's table of contents.
    pub fn manifest(&self) -> &ArtifactManifest {
        &self.manifest
    }

    /// Unpacks one file into `out` and checks its size and digest.
    ///
    /// # Errors
    /// If the file isn't what the manifest says, or `out` can't be written.
    pub fn unpack(&mut self, file: &ArtifactFile, out: &mut impl Write) -> anyhow::Result<()> {
        let path = &file.path;
        let mut entry =
            self.zip.by_name(path).with_context(|| format!("the artifact lists `{path}` but doesn't contain it"))?;
        if !entry.is_file() {
            bail!("`{path}` in the artifact is not a file");
        }
        let mut digest = digest::Context::new(&SHA256);
        let mut buffer = vec![0; 64 * 1024];
        let mut left = file.size;
        loop {
            let count = entry.read(&mut buffer).with_context(|| format!("could not unpack `{path}`"))?;
            if count == 0 {
                break;
            }
            let Some(rest) = left.checked_sub(count as u64) else {
                bail!("`{path}` in the artifact is longer than its manifest says")
            };
            left = rest;
            digest.update(&buffer[..count]);
            out.write_all(&buffer[..count]).with_context(|| format!("could not write the content of `{path}`"))?;
        }
        let sha256 = HEXLOWER.encode(digest.finish().as_ref());
        if left > 0 || sha256 != file.sha256 {
            bail!("`{path}` in the artifact is damaged: its digest differs from the manifest's");
        }
        Ok(())
    }
}

/// Checks the size of the zip's central directory, which is read into memory as a whole. Artifacts have no comment at
/// their end.
fn check_directory(file: &mut File) -> anyhow::Result<()> {
    let mut end = [0; 22];
    file.seek(SeekFrom::End(-22))
        .and_then(|_| file.read_exact(&mut end))
        .context("the artifact is too short for a zip archive")?;
    let number = |at: usize| u64::from(u32::from_le_bytes([end[at], end[at + 1], end[at + 2], end[at + 3]]));
    if &end[..4] != b"PK\x05\x06" {
        bail!("the artifact is incomplete: its end is missing");
    }
    if number(12) > MAX_DIRECTORY_BYTES {
        bail!("the artifact's directory is too large");
    }
    file.rewind().context("could not read the artifact")
}

#[cfg(test)]
mod tests {
    use super::*;
    use zip::write::SimpleFileOptions;

    fn artifact(path: &str, name: &str, content: &[u8], size: u64, sha256: &str) -> anyhow::Result<Artifact> {
        let manifest = serde_json::json!({"v": 1, "host": "h", "rustc": "r", "files": [
            {"path": path, "size": size, "sha256": sha256, "kind": "executable", "name": name, "target_kind": "bin",
                "package": {"name": "p", "version": "1.0.0", "directory": ""}},
            {"path": "x", "size": 0, "sha256": "", "kind": "hologram"}
        ]});
        let mut zip = zip::ZipWriter::new(tempfile::tempfile().unwrap());
        zip.start_file(MANIFEST_ENTRY, SimpleFileOptions::default()).unwrap();
        zip.write_all(manifest.to_string().as_bytes()).unwrap();
        zip.start_file(path, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
        Artifact::open(zip.finish().unwrap())
    }

    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn files_that_match_the_manifest_are_unpacked() {
        let mut artifact = artifact("release/p", "p", b"abc", 3, ABC).unwrap();
        let file = artifact.manifest().files[0].clone();
        let mut out = Vec::new();
        artifact.unpack(&file, &mut out).unwrap();
        assert_eq!(out, b"abc");
    }

    #[test]
    fn files_that_differ_from_the_manifest_are_refused() {
        for (content, size, sha256) in
            [(&b"abcd"[..], 3, ABC), (b"abc", 4, ABC), (b"abd", 3, ABC), (&[0; 1 << 20], 3, ABC)]
        {
            let mut artifact = artifact("release/p", "p", content, size, sha256).unwrap();
            let file = artifact.manifest().files[0].clone();
            assert!(artifact.unpack(&file, &mut Vec::new()).is_err());
        }
    }

    #[test]
    fn hostile_names_are_refused() {
        for path in ["/etc/passwd", "../x", "release/../../x", "a\\b", "", "a//b"] {
            assert!(artifact(path, "p", b"abc", 3, ABC).is_err(), "{path}");
        }
        for name in ["../p", "", ".", "..", "a/b", "a\nb", "-"] {
            assert!(artifact("release/p", name, b"abc", 3, ABC).is_err() || name == "-", "{name}");
        }
    }

    #[test]
    fn a_file_that_is_no_zip_is_refused() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[b'x'; 100]).unwrap();
        assert!(Artifact::open(file).is_err());
        assert!(Artifact::open(tempfile::tempfile().unwrap()).is_err());
    }
}

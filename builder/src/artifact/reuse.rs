//! Keeps the last artifact of each project: when nothing was compiled, nothing has to be packed.

use std::fs;
use std::io;
use std::path::Path;

use protocol::{ArtifactInfo, BuildSettings, FileKind};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::pack::{ArtifactContents, ArtifactPackError, pack};
use crate::project::{ProjectFolder, remove};
use crate::source::{FileStamp, hash_file};

/// Everything that an artifact was made from. Equal inputs make an equal artifact.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct ArtifactInputs {
    host: String,
    rustc: String,
    #[serde(default)]
    run_on_device: bool,
    #[serde(default)]
    settings: BuildSettings,
    files: Vec<(String, FileStamp, FileKind)>,
    lock: Option<FileStamp>,
}

/// The record of the artifact that is kept.
#[derive(Debug, Serialize, Deserialize)]
struct CachedArtifact {
    inputs: ArtifactInputs,
    info: ArtifactInfo,
}

/// Writes the artifact to `to`: a copy of the kept one if its inputs are the same and it is undamaged, else a new one.
pub(crate) fn pack_or_reuse(
    contents: &ArtifactContents,
    project: &ProjectFolder,
    to: &Path,
    cancel: &CancellationToken,
) -> Result<ArtifactInfo, ArtifactPackError> {
    let inputs = ArtifactInputs::of(contents)?;
    if let Some(info) = reuse(&inputs, project, to) {
        return Ok(info);
    }
    let info = pack(contents, to, cancel)?;
    if let Err(error) = keep(CachedArtifact { inputs, info: info.clone() }, project, to) {
        tracing::debug!(%error, "the artifact could not be kept");
    }
    Ok(info)
}

impl ArtifactInputs {
    fn of(contents: &ArtifactContents) -> io::Result<Self> {
        let stamp = |path: &Path| {
            FileStamp::at(path)?
                .ok_or_else(|| io::Error::other(format!("{} is gone, or is no longer a file", path.display())))
        };
        let files = contents.files.iter();
        Ok(Self {
            host: contents.host.clone(),
            rustc: contents.rustc.clone(),
            run_on_device: contents.run_on_device,
            settings: contents.settings.clone(),
            files: files.map(|p| Ok((p.path.clone(), stamp(&p.file)?, p.kind.clone()))).collect::<io::Result<_>>()?,
            lock: contents.lock.as_deref().map(stamp).transpose()?,
        })
    }
}

/// Copies the kept artifact to `to`. `None` if it doesn't fit or anything goes wrong: then a new one is packed.
fn reuse(inputs: &ArtifactInputs, project: &ProjectFolder, to: &Path) -> Option<ArtifactInfo> {
    let kept: CachedArtifact = serde_json::from_slice(&fs::read(&project.artifact_inputs).ok()?).ok()?;
    let fits = kept.inputs == *inputs && FileStamp::at(&project.artifact).ok()??.size == kept.info.size;
    if !fits || hash_file(&project.artifact).ok()? != kept.info.sha256 {
        return None;
    }
    fs::copy(&project.artifact, to).ok()?;
    Some(kept.info)
}

fn keep(kept: CachedArtifact, project: &ProjectFolder, from: &Path) -> io::Result<()> {
    remove(&project.artifact_inputs)?;
    remove(&project.artifact)?;
    // A copy, not a link: a build could write to this file, and the backend's must never change.
    fs::copy(from, &project.artifact)?;
    fs::write(&project.artifact_inputs, serde_json::to_vec(&kept)?)
}

#[cfg(test)]
mod tests {
    use protocol::{Owner, PackageRef};

    use super::*;
    use crate::artifact::BuiltFile;

    #[test]
    fn the_same_files_are_packed_once_and_changed_ones_again() {
        let folder = tempfile::tempdir().unwrap();
        let project = ProjectFolder::new(folder.path(), &Owner::default(), &"k-1".parse().unwrap());
        project.prepare().unwrap();
        let file = folder.path().join("tool");
        fs::write(&file, "one").unwrap();
        let package = PackageRef { name: "p".to_owned(), version: "1.0.0".to_owned(), directory: String::new() };
        let kind = FileKind::Executable {
            name: "tool".to_owned(),
            target_kind: "bin".to_owned(),
            package,
            target: None,
            tested: None,
        };
        let built = BuiltFile { file: file.clone(), path: "debug/tool".to_owned(), kind };
        let mut contents = ArtifactContents {
            host: "h".to_owned(),
            rustc: "r".to_owned(),
            run_on_device: false,
            settings: BuildSettings::default(),
            files: vec![built],
            lock: None,
        };
        let packed = |contents: &ArtifactContents, name: &str| {
            let to = folder.path().join(name);
            let info = pack_or_reuse(contents, &project, &to, &CancellationToken::new()).unwrap();
            assert_eq!(hash_file(&to).unwrap(), info.sha256);
            info
        };
        let first = packed(&contents, "1.zip");
        assert_eq!(packed(&contents, "2.zip"), first);
        fs::write(&file, "three").unwrap();
        let changed = packed(&contents, "3.zip");
        assert_ne!(changed, first);
        assert_eq!(hash_file(&folder.path().join("1.zip")).unwrap(), first.sha256, "an older artifact doesn't change");
        // A kept artifact that was changed is not used.
        remove(&project.artifact).unwrap();
        fs::write(&project.artifact, vec![0; usize::try_from(changed.size).unwrap()]).unwrap();
        assert_eq!(packed(&contents, "4.zip"), changed);
        // The same files, built with another profile.
        contents.settings.profile = "dist".to_owned();
        assert_ne!(packed(&contents, "5.zip"), changed);
    }
}

//! The last artifact of a project, kept beside it: when nothing was built anew, nothing is packed anew.

use std::fs;
use std::io;
use std::path::Path;

use protocol::{ArtifactInfo, BuildSettings, FileKind};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::packing::{Contents, PackError, pack};
use crate::project::{Project, remove};
use crate::source::{Look, hash_file};

/// What an artifact was packed from.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Origin {
    host: String,
    rustc: String,
    #[serde(default)]
    run_on_device: bool,
    #[serde(default)]
    settings: BuildSettings,
    files: Vec<(String, Look, FileKind)>,
    lock: Option<Look>,
}

/// What is known of the artifact that is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    origin: Origin,
    info: ArtifactInfo,
}

/// Writes the artifact to `to`: the kept one if it was packed from the very same files, and is still whole.
pub(crate) fn pack_once(
    contents: &Contents,
    project: &Project,
    to: &Path,
    cancel: &CancellationToken,
) -> Result<ArtifactInfo, PackError> {
    let origin = Origin::of(contents)?;
    if let Some(info) = reuse(&origin, project, to) {
        return Ok(info);
    }
    let info = pack(contents, to, cancel)?;
    if let Err(error) = keep(Kept { origin, info: info.clone() }, project, to) {
        tracing::debug!(%error, "the artifact could not be kept");
    }
    Ok(info)
}

impl Origin {
    fn of(contents: &Contents) -> io::Result<Self> {
        let look = |path: &Path| {
            Look::at(path)?.ok_or_else(|| io::Error::other(format!("{} is gone, or no file any more", path.display())))
        };
        let products = contents.products.iter();
        Ok(Self {
            host: contents.host.clone(),
            rustc: contents.rustc.clone(),
            run_on_device: contents.run_on_device,
            settings: contents.settings.clone(),
            files: products.map(|p| Ok((p.path.clone(), look(&p.file)?, p.kind.clone()))).collect::<io::Result<_>>()?,
            lock: contents.lock.as_deref().map(look).transpose()?,
        })
    }
}

/// The kept artifact in the place of a new one. Whatever is wrong with it, it can be packed anew.
fn reuse(origin: &Origin, project: &Project, to: &Path) -> Option<ArtifactInfo> {
    let kept: Kept = serde_json::from_slice(&fs::read(&project.artifact_origin).ok()?).ok()?;
    let fits = kept.origin == *origin && Look::at(&project.artifact).ok()??.size == kept.info.size;
    if !fits || hash_file(&project.artifact).ok()? != kept.info.sha256 {
        return None;
    }
    fs::copy(&project.artifact, to).ok()?;
    Some(kept.info)
}

fn keep(kept: Kept, project: &Project, from: &Path) -> io::Result<()> {
    remove(&project.artifact_origin)?;
    remove(&project.artifact)?;
    // Not a link to the same file: a build can reach this one, and the backend's is written once.
    fs::copy(from, &project.artifact)?;
    fs::write(&project.artifact_origin, serde_json::to_vec(&kept)?)
}

#[cfg(test)]
mod tests {
    use protocol::{Owner, PackageRef};

    use super::*;
    use crate::products::Product;

    #[test]
    fn the_same_files_are_packed_once_and_changed_ones_again() {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::new(folder.path(), &Owner::default(), &"k-1".parse().unwrap());
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
        let product = Product { file: file.clone(), path: "debug/tool".to_owned(), kind };
        let mut contents = Contents {
            host: "h".to_owned(),
            rustc: "r".to_owned(),
            run_on_device: false,
            settings: BuildSettings::default(),
            products: vec![product],
            lock: None,
        };
        let packed = |contents: &Contents, name: &str| {
            let to = folder.path().join(name);
            let info = pack_once(contents, &project, &to, &CancellationToken::new()).unwrap();
            assert_eq!(hash_file(&to).unwrap(), info.sha256);
            info
        };
        let first = packed(&contents, "1.zip");
        assert_eq!(packed(&contents, "2.zip"), first);
        fs::write(&file, "three").unwrap();
        let changed = packed(&contents, "3.zip");
        assert_ne!(changed, first);
        assert_eq!(
            hash_file(&folder.path().join("1.zip")).unwrap(),
            first.sha256,
            "an older artifact stays what it is"
        );
        // What someone did to the kept one is noticed.
        remove(&project.artifact).unwrap();
        fs::write(&project.artifact, vec![0; usize::try_from(changed.size).unwrap()]).unwrap();
        assert_eq!(packed(&contents, "4.zip"), changed);
        // The same files of another profile: the device's record is to name it.
        contents.settings.profile = "dist".to_owned();
        assert_ne!(packed(&contents, "5.zip"), changed);
    }
}

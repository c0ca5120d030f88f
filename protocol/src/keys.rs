//! The keys of the objects in the buckets. Each begins with the owner, so that a policy can separate owners by prefix.

use thiserror::Error;

use crate::{BuildId, InvalidName, Owner, ProjectKey};

/// Output bucket: what the backend can build, a [`crate::Capabilities`]. Every device may read it. The key begins with
/// an underscore, as no owner's name does, so the rules that delete what owners have built after some days spare it.
pub const CAPABILITIES: &str = "_backend.json";

/// Why a key of the input bucket is not the key of a source.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidKey {
    /// The key is not of the form `<owner>/<build id>.zip`.
    #[error("the key `{0}` is not of the form `<owner>/<build id>.zip`")]
    Form(String),
    /// The owner or the build id is invalid.
    #[error(transparent)]
    Name(#[from] InvalidName),
}

/// Input bucket: the source archive of a build. It is written once; deleting it cancels the build.
pub fn source(owner: &Owner, id: &BuildId) -> String {
    format!("{owner}/{id}.zip")
}

/// Reads owner and build id from the key of a source.
///
/// # Errors
/// For a key that [`source`] doesn't produce.
pub fn parse_source(key: &str) -> Result<(Owner, BuildId), InvalidKey> {
    let (owner, file) = key.split_once('/').ok_or_else(|| InvalidKey::Form(key.chars().take(120).collect()))?;
    let id = file.strip_suffix(".zip").ok_or_else(|| InvalidKey::Form(key.chars().take(120).collect()))?;
    Ok((owner.parse()?, id.parse()?))
}

/// Output bucket: the artifact of a build, an archive that [`crate::ArtifactManifest`] describes.
pub fn artifact(owner: &Owner, id: &BuildId) -> String {
    format!("{owner}/{id}/artifact.zip")
}

/// Output bucket: the [`crate::BuildResult`] of a build. It is written once; the first writer defines how the build ended.
pub fn result(owner: &Owner, id: &BuildId) -> String {
    format!("{owner}/{id}/result.json")
}

/// Output bucket: the claim of the one invocation that works on an attempt.
pub fn claim(owner: &Owner, id: &BuildId, attempt: u32) -> String {
    format!("{owner}/{id}/{attempt}/claim")
}

/// Output bucket: all numbered events of an attempt in order, one JSON object per line.
pub fn log(owner: &Owner, id: &BuildId, attempt: u32) -> String {
    format!("{owner}/{id}/{attempt}/log.jsonl")
}

/// Cache bucket: the prefix of everything that is kept of a project between builds.
pub fn cache(owner: &Owner, project: &ProjectKey) -> String {
    format!("{owner}/{project}/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_key_reads_back() {
        let (owner, id) = (Owner::default(), BuildId::new(7, [1; 10]));
        assert_eq!(parse_source(&source(&owner, &id)), Ok((owner, id)));
    }

    #[test]
    fn a_key_that_names_no_build_is_rejected() {
        let id = BuildId::new(7, [1; 10]);
        for key in [format!("{id}.zip"), format!("me/{id}"), format!("me/x/{id}.zip"), format!("../{id}.zip")] {
            assert!(parse_source(&key).is_err(), "{key}");
        }
    }
}

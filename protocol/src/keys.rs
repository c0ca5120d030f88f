//! Where things lie in the buckets. Everything begins with the owner, so that a policy can keep owners apart by prefix.

use thiserror::Error;

use crate::{BuildId, InvalidName, Owner, ProjectKey};

/// Why a key of the input bucket names no build.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidKey {
    /// Not of the form `<owner>/<build id>.zip`.
    #[error("the key `{0}` is not of the form `<owner>/<build id>.zip`")]
    Form(String),
    /// Owner or id are none.
    #[error(transparent)]
    Name(#[from] InvalidName),
}

/// Input bucket: the source of a build. Written once; deleting it cancels the build.
pub fn source(owner: &Owner, id: &BuildId) -> String {
    format!("{owner}/{id}.zip")
}

/// Reads owner and id back from the key of a source.
pub fn parse_source(key: &str) -> Result<(Owner, BuildId), InvalidKey> {
    let (owner, file) = key.split_once('/').ok_or_else(|| InvalidKey::Form(key.chars().take(120).collect()))?;
    let id = file.strip_suffix(".zip").ok_or_else(|| InvalidKey::Form(key.chars().take(120).collect()))?;
    Ok((owner.parse()?, id.parse()?))
}

/// Output bucket: what the build made, an archive as [`crate::ArtifactManifest`] describes it.
pub fn artifact(owner: &Owner, id: &BuildId) -> String {
    format!("{owner}/{id}/artifact.zip")
}

/// Output bucket: how the build ended, a [`crate::BuildResult`]. Whoever writes it first defines the ending.
pub fn result(owner: &Owner, id: &BuildId) -> String {
    format!("{owner}/{id}/result.json")
}

/// Output bucket: the mark of the one invocation that works on an attempt.
pub fn claim(owner: &Owner, id: &BuildId, attempt: u32) -> String {
    format!("{owner}/{id}/{attempt}/claim")
}

/// Output bucket: every numbered event of an attempt, one JSON object a line, in order.
pub fn log(owner: &Owner, id: &BuildId, attempt: u32) -> String {
    format!("{owner}/{id}/{attempt}/log.jsonl")
}

/// Cache bucket: the prefix of what a project keeps between builds.
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
    fn a_key_that_names_no_build_is_refused() {
        let id = BuildId::new(7, [1; 10]);
        for key in [format!("{id}.zip"), format!("me/{id}"), format!("me/x/{id}.zip"), format!("../{id}.zip")] {
            assert!(parse_source(&key).is_err(), "{key}");
        }
    }
}

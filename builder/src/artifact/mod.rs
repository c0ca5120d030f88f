//! What a build sends to the device: the files it made, selected and packed into `artifact.zip`.

mod files;
mod pack;
mod package_spec;
mod reuse;
mod select;

pub(crate) use files::{BuiltFile, additional_files};
pub(crate) use pack::{ArtifactContents, ArtifactPackError};
pub(crate) use reuse::pack_or_reuse;
pub(crate) use select::ArtifactSelector;

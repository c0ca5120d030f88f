//! What `artifact.zip` holds.

use serde::{Deserialize, Serialize};

use crate::BuildSettings;

/// The name of the manifest inside an artifact: always its first entry.
pub const MANIFEST_ENTRY: &str = "artifact.json";

/// The artifact's table of contents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactManifest {
    /// Version of the protocol.
    pub v: u32,
    /// The builder's own triple: what was built without `--target` is for it.
    pub host: String,
    /// `rustc -vV`'s first line.
    pub rustc: String,
    /// Whether the device is to run the programs: the builder could not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub run_on_device: bool,
    /// Profile and features of the build, for the device's record of installed programs; an older
    /// backend leaves them out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<BuildSettings>,
    /// What there is, in the order of the archive.
    pub files: Vec<ArtifactFile>,
}

/// One file of an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactFile {
    /// Its entry in the archive: for an executable its path below the target directory
    /// (`<triple>/<profile>/<name>` or `<profile>/<name>`), with `/` between parts.
    pub path: String,
    /// Bytes, unpacked.
    pub size: u64,
    /// SHA-256 of the unpacked file, in lower-case hex.
    pub sha256: String,
    /// What it is.
    #[serde(flatten)]
    pub kind: FileKind,
}

/// What a file of an artifact is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum FileKind {
    /// A program: installed, or put into `target/`.
    Executable {
        /// The name of cargo's target (`name` of `[[bin]]`).
        name: String,
        /// `bin`, `example`, `test` or `bench`.
        target_kind: String,
        /// The package it comes from.
        package: PackageRef,
        /// The triple it is for; none: the builder's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        target: Option<String>,
        /// What a test harness was compiled from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tested: Option<TargetRef>,
    },
    /// `Cargo.lock`, where the build made or changed it; `path` is `Cargo.lock`.
    Lock,
    /// A file for the target directory, where `path` names its place: a library, documentation, timings.
    File,
    /// A file for the folder of `--artifact-dir`; `path` is `artifact-dir/<name>`.
    ArtifactDir,
    /// `.crates2.json` as `cargo install` left it; `path` is `.crates2.json`. The device takes over what it says of the
    /// programs beside it.
    Installed,
    /// A kind this version doesn't know: not touched.
    #[serde(other)]
    Unknown,
}

/// One of a package's cargo targets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TargetRef {
    /// What it is.
    pub kind: TargetKind,
    /// Its first source file, relative to the package's folder, `/` between parts.
    pub source: String,
}

/// What a cargo target is, in cargo's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    /// A library of any kind.
    Lib,
    /// A program.
    Bin,
    /// An integration test.
    Test,
    /// A benchmark.
    Bench,
    /// An example.
    Example,
}

/// A package of the source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageRef {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The folder of its manifest, relative to the source, `/` between parts.
    pub directory: String,
}

//! The content of `artifact.zip`: the files of a build and their description.

use serde::{Deserialize, Serialize};

use crate::BuildSettings;

/// Name of the manifest inside an artifact; it is always the first entry.
pub const MANIFEST_ENTRY: &str = "artifact.json";

/// The artifact's table of contents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactManifest {
    /// Version of the protocol that the builder speaks.
    pub v: u32,
    /// The builder's own triple, which programs built without `--target` are for.
    pub host: String,
    /// What `rustc -vV` prints, for the device's record of installed programs. An older backend sends only the first
    /// line.
    pub rustc: String,
    /// Whether the device has to run the programs, because the builder can't.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub run_on_device: bool,
    /// Profile and features of the build, for the device's record of installed programs; an older
    /// backend leaves them out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<BuildSettings>,
    /// The files in the order of the archive.
    pub files: Vec<ArtifactFile>,
}

/// One file of an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactFile {
    /// Name of its archive entry: for an executable, its path below the target directory
    /// (`<triple>/<profile>/<name>` or `<profile>/<name>`), with `/` between parts.
    pub path: String,
    /// Size after unpacking, in bytes.
    pub size: u64,
    /// SHA-256 of the unpacked file, in lower-case hex.
    pub sha256: String,
    /// The kind of file, with its data.
    #[serde(flatten)]
    pub kind: FileKind,
}

/// The kind of a file in an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum FileKind {
    /// A program that is installed or put into `target/`.
    Executable {
        /// The name of cargo's target (`name` of `[[bin]]`).
        name: String,
        /// `bin`, `example`, `test` or `bench`.
        target_kind: String,
        /// The package that the program belongs to.
        package: PackageRef,
        /// The triple that it was built for; `None` means the builder's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        target: Option<String>,
        /// The cargo target that a test program was compiled from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tested: Option<TargetRef>,
    },
    /// `Cargo.lock`, if the build created or changed it; `path` is `Cargo.lock`.
    Lock,
    /// A library, a documentation page or a timings report for the target directory; `path` is relative to it.
    File,
    /// A file for the folder of `--artifact-dir`; `path` is `artifact-dir/<name>`.
    ArtifactDir,
    /// `.crates2.json` as `cargo install` left it; `path` is `.crates2.json`. The device copies its entries for the programs
    /// in the same artifact.
    Installed,
    /// A kind that this version doesn't know; such a file is ignored.
    #[serde(other)]
    Unknown,
}

/// A cargo target of a package, such as a binary or an integration test.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TargetRef {
    /// The kind of cargo target.
    pub kind: TargetKind,
    /// Its root source file, relative to the package's folder, with `/` as separator.
    pub source: String,
}

/// The kinds of cargo targets, in cargo's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    /// A library of any crate type.
    Lib,
    /// A binary of the package.
    Bin,
    /// An integration test in `tests/`.
    Test,
    /// A benchmark in `benches/` or elsewhere.
    Bench,
    /// An example in `examples/` or elsewhere.
    Example,
}

/// A package of the source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageRef {
    /// Name of the package in its manifest.
    pub name: String,
    /// Version of the package in its manifest.
    pub version: String,
    /// The folder of its manifest, relative to the source, `/` between parts.
    pub directory: String,
}

//! Cargo's messages on standard output (doc.rust-lang.org/cargo, external tools, JSON messages): the parts the engine
//! acts on.

use serde::Deserialize;

/// A message.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "reason")]
pub(crate) enum Message {
    /// A unit was compiled, or found fresh.
    #[serde(rename = "compiler-artifact")]
    Artifact(Box<ArtifactMessage>),
    /// A diagnostic.
    #[serde(rename = "compiler-message")]
    Diagnostic {},
    /// A build script ran, or was found fresh.
    #[serde(rename = "build-script-executed")]
    BuildScript {},
    /// The end.
    #[serde(rename = "build-finished")]
    Finished {},
    /// How long a unit took (`-Z`).
    #[serde(rename = "timing-info")]
    Timing {},
}

/// What a unit's compilation made.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct ArtifactMessage {
    /// The package's manifest, absolute.
    #[serde(default)]
    pub manifest_path: String,
    /// Which of the package's targets.
    pub target: TargetMessage,
    /// How it was compiled.
    #[serde(default)]
    pub profile: ProfileMessage,
    /// The program, absolute.
    #[serde(default)]
    pub executable: Option<String>,
    /// Whether it was there already.
    #[serde(default)]
    pub fresh: bool,
}

/// A cargo target.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct TargetMessage {
    /// `bin`, `example`, `test`, `bench`, `custom-build`, or kinds of library.
    pub kind: Vec<String>,
    /// Its name.
    pub name: String,
}

/// The part of a profile that says what was made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct ProfileMessage {
    /// With the test harness.
    #[serde(default)]
    pub test: bool,
}

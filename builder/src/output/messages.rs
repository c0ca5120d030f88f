//! Cargo's messages on standard output (doc.rust-lang.org/cargo, external tools, JSON messages).

use std::borrow::Cow;

use cargo_metadata::{Artifact, BuildFinished, BuildScript, CrateType, Target};
use serde::Deserialize;

/// A message of cargo's, with the content that the engine acts on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CargoMessage {
    /// A unit was compiled or found fresh.
    Artifact(Box<Artifact>),
    /// A build script ran or was found fresh.
    BuildScript(Box<BuildScript>),
    /// The build is over; later output comes from what cargo runs.
    BuildFinished { success: bool },
    /// A diagnostic (`compiler-message`) or the time a unit took (`timing-info`), which the engine doesn't read.
    Other,
}

/// The field that tells the kinds of messages apart.
#[derive(Deserialize)]
struct MessageKind<'a> {
    #[serde(borrow)]
    reason: Cow<'a, str>,
}

impl CargoMessage {
    /// Reads a line. `None` if it is no message of cargo's: then a program, a macro or a build script printed it.
    pub fn parse(line: &[u8]) -> Option<Self> {
        let kind: MessageKind<'_> = serde_json::from_slice(line).ok()?;
        match &*kind.reason {
            "compiler-artifact" => serde_json::from_slice(line).ok().map(Self::Artifact),
            "build-script-executed" => serde_json::from_slice(line).ok().map(Self::BuildScript),
            "build-finished" => {
                let BuildFinished { success, .. } = serde_json::from_slice(line).ok()?;
                Some(Self::BuildFinished { success })
            }
            "compiler-message" | "timing-info" => Some(Self::Other),
            _ => None,
        }
    }
}

/// Whether a target is a library that other languages link.
pub(crate) fn is_foreign_library(target: &Target) -> bool {
    target.crate_types.iter().any(|kind| matches!(kind, CrateType::CDyLib | CrateType::StaticLib))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_cargos_own_kinds_are_messages() {
        let finished = r#"{"reason":"build-finished","success":true}"#;
        assert_eq!(CargoMessage::parse(finished.as_bytes()), Some(CargoMessage::BuildFinished { success: true }));
        let diagnostic = r#"{"reason":"compiler-message","message":{"level":"a level of tomorrow"}}"#;
        assert_eq!(CargoMessage::parse(diagnostic.as_bytes()), Some(CargoMessage::Other));
        for line in [
            r#"{"mine":1}"#,
            r#"{"reason":"suite","type":"ok"}"#,
            r#"{"reason":"compiler-artifact"}"#,
            r#"{"reason":1}"#,
            r#"{"reason":"build-finished","success":true"#,
            "[1]",
        ] {
            assert_eq!(CargoMessage::parse(line.as_bytes()), None, "{line}");
        }
    }
}

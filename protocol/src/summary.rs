//! What a build was asked to do, in the few words that a list of builds has room for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The longest word that is kept, in bytes: metadata may come from anyone.
const MAX_WORD: usize = 128;

/// What was asked for, as a source's metadata tell.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BuildSummary {
    /// A [`crate::Command`] by its name: text, because a reader may be older than the command.
    pub command: String,
    /// The [`crate::ProjectKey`].
    pub project: String,
    /// Target triples, as far as the metadata held them; empty: the device's own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<String>,
}

impl BuildSummary {
    /// Reads a source's metadata (names in lower case, without `x-amz-meta-`), which need not make a request; `None` if
    /// they say nothing.
    pub fn of(metadata: &BTreeMap<String, String>) -> Option<Self> {
        let word = |name: &str| metadata.get(name).filter(|text| is_word(text)).cloned().unwrap_or_default();
        let (command, project) = (word("command"), word("project"));
        if command.is_empty() && project.is_empty() {
            return None;
        }
        let targets = metadata.get("target").map(|list| list.split(',')).into_iter().flatten();
        let targets = targets.filter(|target| is_word(target)).take(16).map(str::to_owned).collect();
        Some(Self { command, project, targets })
    }

    /// The project's name: its key without the identity that sets it apart from others of this name.
    pub fn name(&self) -> &str {
        match self.project.rsplit_once('-') {
            Some((name, identity)) if identity.bytes().all(|b| b.is_ascii_hexdigit()) => name,
            _ => &self.project,
        }
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_WORD && text.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(fields: &[(&str, &str)]) -> Option<BuildSummary> {
        BuildSummary::of(&fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn metadata_tell_what_was_asked_for() {
        let asked = of(&[("command", "build"), ("project", "my-app-00ff"), ("target", "a,b,")]).unwrap();
        assert_eq!((asked.command.as_str(), asked.name()), ("build", "my-app"));
        assert_eq!(asked.targets, ["a", "b"]);
        assert_eq!(of(&[("project", "plain")]).unwrap().name(), "plain");
    }

    #[test]
    fn what_is_no_word_is_left_out() {
        assert_eq!(of(&[]), None);
        let long = "x".repeat(1000);
        assert_eq!(of(&[("command", "\u{1b}[31m"), ("project", &long)]), None);
    }
}

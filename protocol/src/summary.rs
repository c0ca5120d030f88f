//! A short description of a build for lists of builds: command, project and targets.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The longest value that is kept, in bytes. Anyone who can upload chooses the metadata.
const MAX_WORD: usize = 128;

/// Command, project and targets of a build, from the metadata of its source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BuildSummary {
    /// Name of a [`crate::Command`]. It is text, because the reader may be older than the command.
    pub command: String,
    /// Text of the [`crate::ProjectKey`]; not checked.
    pub project: String,
    /// Target triples, if the metadata had them; empty means the device's own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<String>,
}

impl BuildSummary {
    /// Reads the metadata of a source (names in lower case, without `x-amz-meta-`), also of an invalid request. `None` if
    /// there is neither a command nor a project.
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

    /// Name of the project: its key without the suffix that distinguishes projects of the same name.
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
    fn metadata_give_command_project_and_targets() {
        let summary = of(&[("command", "build"), ("project", "my-app-00ff"), ("target", "a,b,")]).unwrap();
        assert_eq!((summary.command.as_str(), summary.name()), ("build", "my-app"));
        assert_eq!(summary.targets, ["a", "b"]);
        assert_eq!(of(&[("project", "plain")]).unwrap().name(), "plain");
    }

    #[test]
    fn unprintable_and_long_values_are_left_out() {
        assert_eq!(of(&[]), None);
        let long = "x".repeat(1000);
        assert_eq!(of(&[("command", "\u{1b}[31m"), ("project", &long)]), None);
    }
}

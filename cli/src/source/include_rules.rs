//! The `include` and `exclude` lists of all manifests, which override every ignore file.

use std::path::Path;

use super::patterns::Patterns;
use crate::project::CloudMetadata;

/// The patterns of all manifests' `include` and `exclude` lists.
#[derive(Debug, Default)]
pub struct IncludeRules {
    include: Vec<Patterns>,
    exclude: Vec<Patterns>,
}

impl IncludeRules {
    /// Parses the patterns of the lists.
    pub fn new(selections: &[CloudMetadata]) -> Self {
        let patterns =
            |selection: &CloudMetadata, list: &[String]| Patterns::parse(&selection.base, list.join("\n").as_bytes());
        Self {
            include: selections.iter().map(|selection| patterns(selection, &selection.include)).collect(),
            exclude: selections.iter().map(|selection| patterns(selection, &selection.exclude)).collect(),
        }
    }

    /// Whether a pattern of an `exclude` list matches.
    pub fn excludes(&self, path: &Path, is_dir: bool) -> bool {
        self.exclude.iter().any(|patterns| patterns.verdict(path, is_dir) == Some(true))
    }

    /// Whether a pattern of an `include` list matches.
    pub fn includes(&self, path: &Path, is_dir: bool) -> bool {
        self.include.iter().any(|patterns| patterns.verdict(path, is_dir) == Some(true))
    }

    /// Whether an `include` list may match something below this folder.
    pub fn includes_below(&self, path: &Path) -> bool {
        self.include.iter().any(|patterns| patterns.may_match_below(path))
    }
}

//! Files and folders of the repository that pages name.

use std::path::Path;

use crate::markdown::MarkdownPage;

/// A path as a page has it.
pub struct DocumentedPath {
    /// The page.
    pub page: String,
    /// The path from the repository's root on.
    pub path: String,
}

/// The paths between backticks that begin with a folder of the repository. Patterns are left out.
pub fn of_repository(page: &MarkdownPage, root: &Path) -> Vec<DocumentedPath> {
    let ours = page.spans.iter().filter(|span| {
        let first = span.split_once('/').map_or("", |(first, _)| first);
        let plain = !span.contains([' ', '<', '*', '{', '$', '…', '=', ':']);
        // What builds make is in no clone.
        plain && !first.is_empty() && first != "target" && root.join(first).is_dir()
    });
    ours.map(|span| DocumentedPath { page: page.path.display().to_string(), path: span.clone() }).collect()
}

/// The paths that don't exist.
pub fn missing(paths: &[DocumentedPath], root: &Path) -> Vec<String> {
    let missing = paths.iter().filter(|path| !root.join(&path.path).exists());
    missing.map(|path| format!("{}: {}", path.page, path.path)).collect()
}

#[test]
fn a_path_that_does_not_exist_is_found() {
    let text =
        "`docs/` `cli/src/main.rs` `cli/src/gone.rs` `~/.cargo/bin` `/etc/hosts` `target/x` `cli/src/{a,b}` `a/b`";
    let paths = of_repository(&MarkdownPage::parse(Path::new("x.md"), text), &crate::root());
    assert_eq!(paths.len(), 3);
    assert_eq!(missing(&paths, &crate::root()), ["x.md: cli/src/gone.rs"]);
}

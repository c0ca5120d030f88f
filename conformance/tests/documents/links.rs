//! Links between pages.

use std::path::{Component, Path, PathBuf};

use crate::markdown::MarkdownPage;

/// The links that lead to no file, or to no heading of a page.
pub fn broken(pages: &[MarkdownPage], root: &Path) -> Vec<String> {
    let links = pages.iter().flat_map(|page| page.links.iter().map(move |link| (page, link)));
    let inside = links.filter(|(_, link)| !link.starts_with("https://") && !link.starts_with("mailto:"));
    let wrong = inside.filter_map(|(page, link)| {
        let problem = problem(page, link, pages, root)?;
        Some(format!("{}: {link}: {problem}", page.path.display()))
    });
    wrong.collect()
}

fn problem(page: &MarkdownPage, link: &str, pages: &[MarkdownPage], root: &Path) -> Option<&'static str> {
    let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
    let path =
        if file.is_empty() { page.path.clone() } else { joined(page.path.parent().unwrap_or(Path::new("")), file) };
    if !root.join(&path).exists() {
        return Some("there is no such file");
    }
    let target = pages.iter().find(|page| page.path == path);
    match (anchor, target) {
        (None, _) => None,
        (Some(_), None) => Some("only pages have headings"),
        (Some(anchor), Some(page)) => {
            let found = page.anchors.iter().any(|known| known == anchor);
            (!found).then_some("there is no such heading")
        }
    }
}

/// A path relative to a folder, without `..`.
fn joined(folder: &Path, file: &str) -> PathBuf {
    let mut path = PathBuf::new();
    for component in folder.join(file).components() {
        match component {
            Component::ParentDir => drop(path.pop()),
            Component::CurDir => {}
            other => path.push(other),
        }
    }
    path
}

#[test]
fn broken_links_are_found() {
    let page = |path: &str, text: &str| MarkdownPage::parse(Path::new(path), text);
    let pages = [
        page("README.md", "# Top\n[a](docs/security.md#known) [b](docs) [c](https://example.org/x#y) [d](#top)\n"),
        page("docs/security.md", "## Known\n[up](../README.md#top)\n"),
    ];
    let root = crate::root();
    assert_eq!(broken(&pages, &root), Vec::<String>::new());
    let wrong =
        page("docs/x.md", "[1](gone.md) [2](#nowhere) [3](security.md#nowhere) [4](../LICENSE-MIT#a) [5](security.md)");
    let [readme, security] = pages;
    let found = broken(&[readme, security, wrong], &root);
    let expected = ["gone.md: there is no such file", "#nowhere: there is no such heading"];
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(expected.iter().all(|text| found.iter().any(|line| line.contains(text))), "{found:?}");
}

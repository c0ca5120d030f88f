//! Checks what people read: the links, commands, paths and names in the README and the pages of `docs/`.
//!
//! It starts the real client and the real backend, but only to have them parse a command line: no backend runs.

mod commands;
mod links;
mod markdown;
mod names;
mod paths;

use std::path::{Path, PathBuf};

use markdown::MarkdownPage;

/// The repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

/// All pages, from the repository's root on.
fn pages() -> Vec<MarkdownPage> {
    let root = root();
    let in_folder = |folder: &str| {
        let entries = std::fs::read_dir(root.join(folder)).expect("a folder of pages");
        let paths = entries.map(|entry| Path::new(folder).join(entry.expect("an entry").file_name()));
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect::<Vec<_>>()
    };
    let mut paths = in_folder("");
    paths.extend(in_folder("docs"));
    paths.sort();
    let page = |path: &PathBuf| MarkdownPage::parse(path, &std::fs::read_to_string(root.join(path)).expect("a page"));
    paths.iter().map(page).collect()
}

/// Fails with everything that is wrong, not only with the first of it.
fn none_wrong(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} problems:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn links_lead_to_files_and_headings() {
    let pages = pages();
    assert!(pages.iter().map(|page| page.links.len()).sum::<usize>() > 40, "too few links are found");
    none_wrong(&links::broken(&pages, &root()));
}

#[test]
fn every_page_is_in_the_books_contents() {
    let pages = pages();
    let contents = pages.iter().find(|page| page.path.ends_with("SUMMARY.md")).expect("docs/SUMMARY.md");
    for page in pages.iter().filter(|page| page.path.starts_with("docs") && page.path != contents.path) {
        let name = page.path.file_name().expect("a file").to_string_lossy();
        assert!(contents.links.iter().any(|link| *link == name), "docs/SUMMARY.md doesn't list {name}");
    }
}

#[test]
fn commands_are_understood_by_the_programs_they_name() {
    let commands: Vec<_> = pages().iter().flat_map(commands::of_programs).collect();
    assert!(commands.len() > 40, "too few commands are found: {}", commands.len());
    none_wrong(&commands::refused(&commands));
}

#[test]
fn make_has_the_targets_and_the_scripts_know_the_variables() {
    let commands: Vec<_> = pages().iter().flat_map(commands::of_make).collect();
    let makefile = std::fs::read_to_string(root().join("Makefile")).expect("the Makefile");
    let scripts = ["scripts", "scripts/deploy"].map(|folder| {
        let entries =
            std::fs::read_dir(root().join(folder)).expect("scripts").map(|entry| entry.expect("a script").path());
        entries.filter_map(|path| std::fs::read_to_string(path).ok()).collect::<String>()
    });
    let scripts = scripts.concat();
    assert!(commands.len() > 20, "too few commands are found: {}", commands.len());
    assert!(commands.iter().filter(|command| command.words.iter().any(|word| word.contains('='))).count() > 5);
    none_wrong(&commands::unknown_to_make(&commands, &makefile, &scripts));
}

#[test]
fn paths_of_the_repository_exist() {
    let paths: Vec<_> = pages().iter().flat_map(|page| paths::of_repository(page, &root())).collect();
    assert!(paths.len() > 30, "too few paths are found: {}", paths.len());
    none_wrong(&paths::missing(&paths, &root()));
}

#[test]
fn items_of_the_code_exist() {
    let items: Vec<_> = pages().iter().flat_map(names::of_code).collect();
    assert!(items.len() > 3, "too few names are found: {}", items.len());
    none_wrong(&names::undefined(&items, &root()));
}

//! Items of the code that pages name, such as `protocol::EventSequencer`.

use std::path::Path;

use crate::markdown::MarkdownPage;

/// Crates whose items pages may name, with the folder of each.
const CRATES: [(&str, &str); 3] =
    [("protocol", "protocol/src"), ("builder", "builder/src"), ("conformance", "conformance/src")];

/// An item as a page has it.
pub struct DocumentedItem {
    /// The page, and the item as it is written there.
    place: String,
    /// Folder of the crate's code.
    folder: &'static str,
    /// Modules and the item, behind the crate's name.
    segments: Vec<String>,
}

/// The items between backticks that begin with the name of a crate.
pub fn of_code(page: &MarkdownPage) -> Vec<DocumentedItem> {
    let items = page.spans.iter().filter_map(|span| {
        let (crate_name, rest) = span.split_once("::")?;
        let (_, folder) = *CRATES.iter().find(|(name, _)| *name == crate_name)?;
        let segments = rest.trim_end_matches("()").split("::").map(str::to_owned).collect();
        Some(DocumentedItem { place: format!("{}: {span}", page.path.display()), folder, segments })
    });
    items.collect()
}

/// The items that their crate doesn't define.
pub fn undefined(items: &[DocumentedItem], root: &Path) -> Vec<String> {
    let undefined = items.iter().filter(|item| {
        let code = code(&root.join(item.folder));
        item.segments.iter().any(|name| {
            let kinds = ["mod", "struct", "enum", "trait", "fn", "const", "type"];
            !kinds.iter().any(|kind| {
                let definition = format!("{kind} {name}");
                // Followed by something that ends the name.
                code.split(&definition).skip(1).any(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
            })
        })
    });
    undefined.map(|item| item.place.clone()).collect()
}

/// All code below a folder.
fn code(folder: &Path) -> String {
    let files = walkdir::WalkDir::new(folder).into_iter().map(|entry| entry.expect("an entry").into_path());
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    files.map(|path| std::fs::read_to_string(path).expect("code")).collect()
}

#[test]
fn an_item_that_is_not_defined_is_found() {
    let text = "`protocol::BuildId` `protocol::NoSuchThing` `conformance::ScenarioBackend::start()` `conformance::Backen` `std::fs::File`";
    let items = of_code(&MarkdownPage::parse(Path::new("x.md"), text));
    assert_eq!(undefined(&items, &crate::root()), ["x.md: protocol::NoSuchThing", "x.md: conformance::Backen"]);
}

//! A page of Markdown, reduced to what is checked.

use std::path::{Path, PathBuf};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// A page.
pub struct MarkdownPage {
    /// Path from the repository's root on.
    pub path: PathBuf,
    /// Addresses of headings, as GitHub and mdBook make them.
    pub anchors: Vec<String>,
    /// Targets of links and pictures.
    pub links: Vec<String>,
    /// Text between backticks.
    pub spans: Vec<String>,
    /// Fenced blocks.
    pub blocks: Vec<CodeBlock>,
}

/// A fenced block of code.
pub struct CodeBlock {
    /// The word behind the fence.
    pub language: String,
    /// Text between the fences.
    pub text: String,
}

impl MarkdownPage {
    /// Reads a page.
    pub fn parse(path: &Path, text: &str) -> Self {
        let mut page = Self {
            path: path.to_owned(),
            anchors: Vec::new(),
            links: Vec::new(),
            spans: Vec::new(),
            blocks: Vec::new(),
        };
        let mut heading: Option<String> = None;
        let mut block: Option<CodeBlock> = None;
        for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => page.anchors.extend(heading.take().map(|text| anchor(&text))),
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
                    block = Some(CodeBlock { language: language.into_string(), text: String::new() });
                }
                Event::End(TagEnd::CodeBlock) => page.blocks.extend(block.take()),
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push(dest_url.into_string());
                }
                Event::Code(span) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&span);
                    }
                    page.spans.push(span.into_string());
                }
                Event::Text(text) => match (&mut block, &mut heading) {
                    (Some(block), _) => block.text.push_str(&text),
                    (None, Some(heading)) => heading.push_str(&text),
                    _ => {}
                },
                _ => {}
            }
        }
        page
    }
}

/// The address of a heading: small letters, dashes for spaces, no punctuation.
fn anchor(heading: &str) -> String {
    let letters = heading.to_lowercase();
    let letters = letters.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    letters.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn a_page_is_taken_apart() {
    let text = "# The `make deploy` step: *again*\n\n| [a](b.md#c) | `d e` |\n|---|---|\n| ![f](g.svg) | |\n\n```sh\nh `i`\n```\n";
    let page = MarkdownPage::parse(Path::new("docs/x.md"), text);
    assert_eq!(page.anchors, ["the-make-deploy-step-again"]);
    assert_eq!(page.links, ["b.md#c", "g.svg"]);
    assert_eq!(page.spans, ["make deploy", "d e"]);
    assert_eq!((page.blocks[0].language.as_str(), page.blocks[0].text.as_str()), ("sh", "h `i`\n"));
}

//! Replaces the builder's folders by the device's in the output of a build.

use std::path::{Path, PathBuf};

/// The device's folders, which replace the builder's in the output.
#[derive(Debug, Clone, Default)]
pub struct DevicePaths {
    /// The top folder of the source that was sent.
    pub source: Option<PathBuf>,
    /// Cargo's target directory on the device.
    pub target: Option<PathBuf>,
    /// The install root on the device.
    pub root: Option<PathBuf>,
    /// The folder in which the command was typed. As in cargo, paths of programs that run are relative to it.
    pub cwd: Option<PathBuf>,
}

/// The builder's folders, as the builder reports them.
#[derive(Debug, Clone, Copy, Default)]
pub struct BuilderPaths<'a> {
    /// The folder of the source.
    pub source: Option<&'a str>,
    /// Cargo's target directory on the builder.
    pub target: Option<&'a str>,
    /// The install root on the builder.
    pub root: Option<&'a str>,
}

/// Replaces the builder's folders by the device's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PathMapping(Vec<Folder>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Folder {
    from: String,
    to: String,
    /// The device's folder, escaped for a JSON string.
    to_json: String,
    /// The device's folder relative to the one in which the command was typed.
    relative: Option<String>,
}

impl PathMapping {
    /// Creates a mapping of the folders that both sides have. A builder's folder that is not an absolute path is
    /// ignored.
    pub fn new(builder: BuilderPaths, device: &DevicePaths) -> Self {
        let folder = |from: Option<&str>, to: &Option<PathBuf>| Folder::new(from?, to.as_deref()?);
        let mut target = folder(builder.target, &device.target);
        if let (Some(folder), Some(to), Some(cwd)) = (&mut target, &device.target, &device.cwd) {
            folder.relative = to.strip_prefix(cwd).ok().and_then(Path::to_str).map(str::to_owned);
        }
        // A file that cargo looks for next to the source is also next to it on the device.
        let beside = |path: &Path| path.parent().map(Path::to_path_buf);
        let parent = builder.source.and_then(|source| Some(source.trim_end_matches('/').rsplit_once('/')?.0));
        let others = [
            folder(builder.source, &device.source),
            folder(builder.root, &device.root),
            folder(parent, &device.source.as_deref().and_then(beside)),
        ];
        Self(target.into_iter().chain(others.into_iter().flatten()).collect())
    }

    /// Returns the text with the device's folders. `line_start` is the part of the text's first line that came before
    /// it; `json` says that the text is a JSON message of cargo's.
    pub fn apply(&self, line_start: &str, text: &str, json: bool) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((at, folder)) = self.first_in(rest) {
            let end = at + folder.from.len();
            out.push_str(&rest[..at]);
            let to = match &folder.relative {
                _ if json => &folder.to_json,
                Some(relative) if names_what_runs(if rest.len() == text.len() { line_start } else { "" }, rest, at) => {
                    relative
                }
                _ => &folder.to,
            };
            out.push_str(to);
            rest = &rest[end..];
        }
        out.push_str(rest);
        out
    }

    fn first_in(&self, text: &str) -> Option<(usize, &Folder)> {
        let found = self.0.iter().filter_map(|folder| {
            let mut places = text.match_indices(&folder.from).map(|(at, _)| at);
            Some((places.find(|at| stands_alone(text, *at, at + folder.from.len()))?, folder))
        });
        found.min_by_key(|(at, folder)| (*at, std::cmp::Reverse(folder.from.len())))
    }
}

impl Folder {
    fn new(from: &str, to: &Path) -> Option<Self> {
        let from = from.trim_end_matches('/');
        if !from.starts_with('/') {
            return None;
        }
        let to = to.to_str()?.trim_end_matches('/').to_owned();
        let json = serde_json::to_string(&to).ok()?;
        let to_json = json.get(1..json.len() - 1)?.to_owned();
        Some(Self { from: from.to_owned(), to, to_json, relative: None })
    }
}

/// Whether the text at `at..end` is a whole path or its beginning: `/w/source` doesn't stand alone in `/w/source-2` or
/// in `/x/w/source`.
fn stands_alone(text: &str, at: usize, end: usize) -> bool {
    let inner = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let before = &text[..at];
    let begins = !before.chars().next_back().is_some_and(|c| inner(c) || c == '/' && !before.ends_with("://"));
    let ends = !text[end..].chars().next().is_some_and(|c| inner(c) && !ends_sentence(&text[end..]));
    begins && ends
}

/// Whether the path at `at` is the program of a line with `Running` or `Executable`, which cargo names relative to the
/// current folder.
fn names_what_runs(line_start: &str, text: &str, at: usize) -> bool {
    let line = match text[..at].rfind('\n') {
        Some(end) => text[end + 1..at].to_owned(),
        None => format!("{line_start}{}", &text[..at]),
    };
    let word = |word: &str| line.contains(word) && line.ends_with(['(', '`']);
    let build_script = text[at..].split(['`', '\n']).next().is_some_and(|path| path.contains("/build-script-"));
    (word("Running ") || word("Executable ")) && !build_script
}

/// Whether a full stop after a path ends a sentence, and so isn't a part of the path.
fn ends_sentence(after: &str) -> bool {
    let mut chars = after.chars();
    chars.next() == Some('.') && chars.next().is_none_or(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(source: &str, to: &str) -> PathMapping {
        let device = DevicePaths {
            source: Some(to.into()),
            target: Some("/home/me/p/out".into()),
            root: None,
            cwd: Some("/home/me/p".into()),
        };
        PathMapping::new(BuilderPaths { source: Some(source), target: Some("/w/k/target"), root: Some("/r") }, &device)
    }

    #[test]
    fn the_builders_folders_become_the_devices() {
        let mapping = mapping("/w/k/source/", "/home/me/my \"x\"");
        let apply = |text| mapping.apply("", text, false);
        assert_eq!(apply("Compiling a v1 (/w/k/source/a)\n"), "Compiling a v1 (/home/me/my \"x\"/a)\n");
        assert_eq!(apply("(/w/k/source)"), "(/home/me/my \"x\")");
        assert_eq!(apply("file:///w/k/source/a."), "file:///home/me/my \"x\"/a.");
        assert_eq!(apply("in /w/k/source."), "in /home/me/my \"x\".");
        assert_eq!(apply("/w/k/target/x /w/k/source/y /r"), "/home/me/p/out/x /home/me/my \"x\"/y /r");
        assert_eq!(
            apply("a\n     Running tests/x.rs (/w/k/target/debug/x)\n"),
            "a\n     Running tests/x.rs (out/debug/x)\n"
        );
        assert_eq!(apply("Running `/w/k/target/debug/x y`"), "Running `out/debug/x y`");
        assert_eq!(mapping.apply("     Running", " `/w/k/target/debug/x`\n", false), " `out/debug/x`\n");
        assert_eq!(mapping.apply("Running `", "x`\n(/w/k/target/x)", false), "x`\n(/home/me/p/out/x)");
        assert_eq!(
            apply("Running `/w/k/target/build/b/build-script-b`"),
            "Running `/home/me/p/out/build/b/build-script-b`"
        );
        assert_eq!(apply("/w/k/source/../gone /w/k/gone"), "/home/me/my \"x\"/../gone /home/me/gone");
        assert_eq!(apply("/w/k/source-2/a"), "/home/me/source-2/a");
        for text in ["/x/w/k/source/a", "/w/kk/source", ""] {
            assert_eq!(apply(text), text);
        }
        assert_eq!(mapping.apply("", r#"{"p":"/w/k/source/a"}"#, true), r#"{"p":"/home/me/my \"x\"/a"}"#);
    }

    #[test]
    fn paths_that_are_not_absolute_are_ignored() {
        for from in ["/", "w"] {
            assert_eq!(mapping(from, "/a").apply("", "/ w /w/k", false), "/ w /w/k");
        }
    }
}

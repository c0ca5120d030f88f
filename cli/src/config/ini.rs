//! The line format that git's and the AWS tools' configuration share: `[section]`, `key = value`, comments.

/// One `key = value` and the section it stands in, as written (`profile work`, `include`, `remote "origin"`).
#[derive(Debug, PartialEq, Eq)]
pub struct IniEntry {
    /// What stood between the brackets, trimmed; empty before the first.
    pub section: String,
    /// Name of the key, in lower case.
    pub key: String,
    /// Without quotes and trailing comment.
    pub value: String,
}

/// The entries in their order; other lines are skipped.
pub fn parse(text: &str) -> Vec<IniEntry> {
    let mut section = String::new();
    let mut entries = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(rest) = line.strip_prefix('[') {
            if let Some((name, _)) = rest.rsplit_once(']') {
                section = name.trim().to_owned();
            }
            continue;
        }
        if let Some((key, value)) = line.split_once('=') {
            entries.push(IniEntry {
                section: section.clone(),
                key: key.trim().to_ascii_lowercase(),
                value: unquoted(value.trim()),
            });
        }
    }
    entries
}

fn unquoted(value: &str) -> String {
    let mut out = String::new();
    let mut quoted = false;
    let mut chars = value.chars().peekable();
    let mut space_before = false;
    while let Some(c) = chars.next() {
        match c {
            '"' => quoted = !quoted,
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some(other) => out.push(other),
                None => {}
            },
            // A secret may contain these; a comment has a blank before it.
            '#' | ';' if !quoted && space_before => break,
            _ => out.push(c),
        }
        space_before = c.is_whitespace();
    }
    if quoted || value.ends_with('"') { out } else { out.trim_end().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_git_and_aws_are_read() {
        let text = "# c\n[default]\naws_access_key_id = AK\naws_secret_access_key=a/b+c=#x\n\n[profile  work]\nregion = eu-west-1 ; near\n[core]\n\texcludesFile = \"~/my ignores\"\n\tbare\n[remote \"a]b\"]\nurl=x";
        let got: Vec<_> = parse(text).into_iter().map(|e| (e.section, e.key, e.value)).collect();
        let want = [
            ("default", "aws_access_key_id", "AK"),
            ("default", "aws_secret_access_key", "a/b+c=#x"),
            ("profile  work", "region", "eu-west-1"),
            ("core", "excludesfile", "~/my ignores"),
            ("remote \"a]b\"", "url", "x"),
        ];
        assert_eq!(got, want.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned())));
    }
}

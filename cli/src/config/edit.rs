//! The configuration file, changed as text, so that comments and order stay. Each change is read back: what the text
//! then says must be what it said, plus the change. A file whose form doesn't allow that is not changed.

use std::fmt::Write;
use std::ops::Range;

use anyhow::{Context, bail};
use protocol::ClientLine;
use toml::{Table, Value};
use toml_writer::ToTomlValue;

/// The text with this backend added, or replaced if one has the same name.
pub fn with_backend(text: &str, name: &str, line: &ClientLine) -> anyhow::Result<String> {
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
        bail!("`{name}` can't be a backend's name; use letters, digits, `-` and `_`");
    }
    let mut block = format!("[backends.{name}]\n");
    let fields = [
        ("endpoint", line.endpoint.as_deref()),
        ("socket", line.socket.as_deref()),
        ("region", Some(line.region.as_str())),
        ("input_bucket", Some(&line.input_bucket)),
        ("output_bucket", Some(&line.output_bucket)),
        ("owner", Some(line.owner.as_str())),
        ("access_key_id", Some(&line.access_key_id)),
        ("secret_access_key", Some(&line.secret_access_key)),
    ];
    for (key, value) in fields {
        if let Some(value) = value {
            let _ = writeln!(block, "{key} = {}", value.to_toml_value());
        }
    }
    let table: Table = block.parse().context("the configuration line is not valid")?;
    let new = match block_of(text, name) {
        Some(place) => spliced(text, place, &block),
        None if text.trim().is_empty() => block,
        None => format!("{}\n\n{block}", text.trim_end()),
    };
    let value = table.get("backends").and_then(|backends| backends.get(name)).cloned();
    checked(text, new, |document| set(document, name, value))
}

/// The text without this backend. If it was the default, there is no default afterwards.
pub fn without_backend(text: &str, name: &str) -> anyhow::Result<String> {
    let place = block_of(text, name).with_context(|| unusual(name))?;
    let mut new = spliced(text, place, "");
    let default = default_of(text)?.is_some_and(|default| default == name);
    if default && let Some(place) = default_line(&new) {
        new = spliced(&new, place, "");
    }
    checked(text, new, |document| {
        set(document, name, None);
        if default {
            document.remove("backend");
        }
    })
}

/// The text with this backend as the default.
pub fn with_default(text: &str, name: &str) -> anyhow::Result<String> {
    let line = format!("backend = {}\n", name.to_toml_value());
    let new = match default_line(text) {
        Some(place) => spliced(text, place, &line),
        None => format!("{line}{}{text}", if text.starts_with('[') { "\n" } else { "" }),
    };
    checked(text, new, |document| drop(document.insert("backend".to_owned(), Value::String(name.to_owned()))))
}

/// The name of the default backend in the text.
pub fn default_of(text: &str) -> anyhow::Result<Option<String>> {
    let document: Table = text.parse()?;
    Ok(document.get("backend").and_then(Value::as_str).map(str::to_owned))
}

fn set(document: &mut Table, name: &str, value: Option<Value>) {
    let backends = document.entry("backends").or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(backends) = backends {
        match value {
            Some(value) => drop(backends.insert(name.to_owned(), value)),
            None => drop(backends.remove(name)),
        }
        if backends.is_empty() {
            document.remove("backends");
        }
    }
}

/// Checks that the new text has the content of the old one, changed by `change`.
fn checked(old: &str, new: String, change: impl FnOnce(&mut Table)) -> anyhow::Result<String> {
    let mut wanted: Table = old.parse()?;
    change(&mut wanted);
    if new.parse::<Table>().is_ok_and(|said| said == wanted) { Ok(new) } else { bail!("{}", unusual("NAME")) }
}

fn unusual(name: &str) -> String {
    format!("the file is not written as `[backends.{name}]` with a line for each key, so you must edit it yourself")
}

fn spliced(text: &str, place: Range<usize>, by: &str) -> String {
    format!("{}{by}{}", &text[..place.start], &text[place.end..])
}

/// The byte range of each line, including its end, and the line.
fn lines(text: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    text.split_inclusive('\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len();
        Some((start..*at, line))
    })
}

/// The table that a line opens; `None` for any other line.
fn header(line: &str) -> Option<Table> {
    line.trim_start().starts_with('[').then(|| line.parse().ok()).flatten()
}

/// The byte range of the backend's table: from the line that opens it to its last line. Blank lines and comments in front
/// of the next table belong to that one.
fn block_of(text: &str, name: &str) -> Option<Range<usize>> {
    let mut lines = lines(text);
    let is_ours = |table: Table| table.get("backends").is_some_and(|backends| backends.get(name).is_some());
    let (first, _) = lines.by_ref().find(|(_, line)| header(line).is_some_and(is_ours))?;
    let mut end = first.end;
    for (place, line) in lines {
        if header(line).is_some() {
            break;
        }
        if !matches!(line.trim_start().as_bytes(), [] | [b'#', ..]) {
            end = place.end;
        }
    }
    Some(first.start..end)
}

/// The byte range of the line that names the default, which stands before all tables.
fn default_line(text: &str) -> Option<Range<usize>> {
    let mut lines = lines(text).take_while(|(_, line)| header(line).is_none());
    let names_it = |line: &str| line.parse::<Table>().is_ok_and(|table| table.contains_key("backend"));
    lines.find(|(_, line)| names_it(line)).map(|(place, _)| place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(endpoint: Option<&str>) -> ClientLine {
        ClientLine {
            region: "eu-west-1".to_owned(),
            input_bucket: "in".to_owned(),
            output_bucket: "out".to_owned(),
            socket: None,
            endpoint: endpoint.map(str::to_owned),
            owner: protocol::Owner::default(),
            access_key_id: "AK".to_owned(),
            secret_access_key: "a\"b\\c".to_owned(),
        }
    }

    const OLD: &str = "# mine\nbackend = \"home\" # the fast one\n\n[backends.home] # near\nregion = \"r\"\n\
                       input_bucket = \"i\"\n# which\noutput_bucket = \"o\"\ntargets = [\n  \"a\",\n]\n\n\
                       # far\n[backends.aws]\nregion = \"x\"\ninput_bucket = \"i\"\noutput_bucket = \"o\"\n";

    #[test]
    fn a_backend_is_added_or_replaced_and_the_rest_stays() {
        let new = with_backend("", "aws", &line(None)).unwrap();
        assert!(new.starts_with("[backends.aws]\nregion = \"eu-west-1\"\n"), "{new}");
        let added = with_backend(OLD, "third", &line(Some("http://h"))).unwrap();
        assert!(added.starts_with(OLD.trim_end()) && added.contains("\n\n[backends.third]\nendpoint"), "{added}");
        let replaced = with_backend(OLD, "home", &line(None)).unwrap();
        assert!(replaced.starts_with("# mine\nbackend = \"home\" # the fast one\n\n[backends.home]\n"), "{replaced}");
        assert!(replaced.contains("\n\n# far\n[backends.aws]\nregion = \"x\"") && !replaced.contains("# near"));
        let table: Table = replaced.parse().unwrap();
        assert_eq!(table["backends"]["home"]["secret_access_key"].as_str(), Some("a\"b\\c"));
        assert!(with_backend(OLD, "a.b", &line(None)).is_err());
    }

    #[test]
    fn a_default_is_set_and_removed_with_its_backend() {
        assert_eq!(with_default("[x]\n", "aws").unwrap(), "backend = \"aws\"\n\n[x]\n");
        let new = with_default(OLD, "aws").unwrap();
        assert!(new.starts_with("# mine\nbackend = \"aws\"\n\n[backends.home]"), "{new}");
        let without = without_backend(OLD, "home").unwrap();
        assert_eq!(
            without,
            "# mine\n\n\n# far\n[backends.aws]\nregion = \"x\"\ninput_bucket = \"i\"\noutput_bucket = \"o\"\n"
        );
        let without = without_backend(OLD, "aws").unwrap();
        assert!(without.contains("backend = \"home\"") && !without.contains("aws"), "{without}");
    }

    #[test]
    fn files_of_another_form_are_not_changed() {
        for old in [
            "backends = { home = { region = \"r\" } }\n",
            "backends.home.region = \"r\"\n",
            "x = '''\n[backends.home]\n'''\n[backends]\nhome.region = \"r\"\n",
        ] {
            assert!(without_backend(old, "home").is_err(), "{old}");
            assert!(with_backend(old, "home", &line(None)).is_err(), "{old}");
        }
    }
}

//! Cargo's aliases: `[alias]` of the project's and the user's cargo configuration, and `CARGO_ALIAS_…`
//! (doc.rust-lang.org/cargo, configuration).

use std::ffi::{OsStr, OsString};

use toml::Value;

/// Flags of every verb whose value is the next argument.
const WITH_VALUE: [&str; 3] = ["--backend", "--color", "--config"];

/// Replaces the verb by the words that it is an alias for, until it is a verb or unknown. `args` begin with the program's
/// name; no alias overrides a name for which `is_verb` is true; `lookup` gives the words of an alias.
///
/// # Errors
/// For an alias that leads back to itself, or whose value `lookup` refuses.
pub fn expand(
    mut args: Vec<OsString>,
    is_verb: impl Fn(&str) -> bool,
    lookup: impl Fn(&str) -> anyhow::Result<Option<Vec<String>>>,
) -> anyhow::Result<Vec<OsString>> {
    let mut seen: Vec<String> = Vec::new();
    while let Some(at) = verb_at(&args) {
        let Some(name) = args[at].to_str().filter(|name| !is_verb(name)).map(str::to_owned) else { break };
        let Some(words) = lookup(&name)? else { break };
        let repeats = seen.contains(&name);
        seen.push(name);
        if repeats {
            anyhow::bail!("alias {} has unresolvable recursive definition: {}", seen[0], seen.join(" -> "));
        }
        args.splice(at..=at, words.into_iter().map(OsString::from));
    }
    Ok(args)
}

/// The index of the verb, which stands after the flags that every verb has.
fn verb_at(args: &[OsString]) -> Option<usize> {
    let mut at = 1;
    while let Some(arg) = args.get(at) {
        if !arg.as_encoded_bytes().starts_with(b"-") {
            return Some(at);
        }
        at += if WITH_VALUE.iter().any(|option| arg == OsStr::new(option)) { 2 } else { 1 };
    }
    None
}

/// The words in a value of `[alias]`, which is a text with blanks between the words, or a list.
///
/// # Errors
/// For a value of another type, or without a word.
pub fn words(name: &str, value: &Value) -> anyhow::Result<Vec<String>> {
    let words: Option<Vec<String>> = match value {
        Value::String(text) => Some(text.split_whitespace().map(str::to_owned).collect()),
        Value::Array(list) => list.iter().map(|word| word.as_str().map(str::to_owned)).collect(),
        _ => None,
    };
    match words {
        Some(words) if !words.is_empty() => Ok(words),
        _ => anyhow::bail!("`alias.{name}` of the cargo configuration is neither a text nor a list of texts"),
    }
}

/// Name of the environment variable that defines an alias.
pub fn variable(name: &str) -> String {
    format!("CARGO_ALIAS_{}", name.to_uppercase().replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(line: &str) -> Result<String, String> {
        let args = line.split(' ').map(OsString::from).collect();
        let lookup = |name: &str| {
            let found = match name {
                "xc" => "check --all-targets",
                "xx" => "-q xc --lib",
                "b" => "build --release",
                "loop" => "pool -v",
                "pool" => "loop",
                "build" => "never",
                _ => return Ok(None),
            };
            Ok(Some(found.split(' ').map(str::to_owned).collect()))
        };
        let expanded = expand(args, |name| matches!(name, "build" | "check"), lookup).map_err(|e| e.to_string())?;
        Ok(expanded.iter().map(|arg| arg.to_string_lossy()).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn an_alias_is_replaced_by_its_words() {
        for (typed, read) in [
            ("x xc -p a", "x check --all-targets -p a"),
            ("x -v --config xc xx", "x -v --config xc -q check --all-targets --lib"),
            ("x b", "x build --release"),
            ("x build xc", "x build xc"),
            ("x nothing", "x nothing"),
            ("x -v", "x -v"),
            ("x", "x"),
        ] {
            assert_eq!(expanded(typed).as_deref(), Ok(read));
        }
        assert!(expanded("x loop").unwrap_err().contains("loop -> pool -> loop"));
    }

    #[test]
    fn an_alias_is_a_text_or_a_list() {
        let value = |text: &str| words("a", &text.parse::<toml::Table>().unwrap()["a"]);
        assert_eq!(value("a = ' x  y '").unwrap(), ["x", "y"]);
        assert_eq!(value("a = ['x y', 'z']").unwrap(), ["x y", "z"]);
        for text in ["a = 1", "a = ['x', 1]", "a = ''", "a = []"] {
            assert!(value(text).unwrap_err().to_string().contains("`alias.a`"), "{text}");
        }
        assert_eq!(variable("x-c"), "CARGO_ALIAS_X_C");
    }
}

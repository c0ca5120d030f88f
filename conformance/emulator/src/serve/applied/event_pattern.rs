//! The patterns by which rules choose events (docs.aws.amazon.com/eventbridge, eb-event-patterns).

use anyhow::{Result, bail, ensure};
use serde_json::Value;

/// What an event has to look like.
#[derive(Debug, Clone, PartialEq)]
pub struct EventPattern(Vec<(String, Node)>);

#[derive(Debug, Clone, PartialEq)]
enum Node {
    Object(EventPattern),
    AnyOf(Vec<Matcher>),
}

#[derive(Debug, Clone, PartialEq)]
enum Matcher {
    Exact(Value),
    Prefix(String),
    Suffix(String),
    Exists(bool),
    AnythingBut(Vec<Matcher>),
}

impl EventPattern {
    /// Reads one. What is not known here is an error, never a match.
    pub fn parse(text: &str) -> Result<Self> {
        Self::read(&serde_json::from_str(text)?)
    }

    fn read(value: &Value) -> Result<Self> {
        let Value::Object(fields) = value else { bail!("a pattern is not an object: {value}") };
        ensure!(!fields.is_empty(), "a pattern is empty");
        let node = |(name, value): (&String, &Value)| {
            ensure!(!name.starts_with('$'), "`{name}` in a pattern is not supported by this emulator");
            let node = match value {
                Value::Object(_) => Node::Object(Self::read(value)?),
                Value::Array(items) if !items.is_empty() => {
                    Node::AnyOf(items.iter().map(Matcher::read).collect::<Result<_>>()?)
                }
                _ => bail!("`{name}` in a pattern is neither an object nor a list: {value}"),
            };
            Ok((name.clone(), node))
        };
        Ok(Self(fields.iter().map(node).collect::<Result<_>>()?))
    }

    /// Whether an event looks like that.
    pub fn matches(&self, event: &Value) -> bool {
        self.0.iter().all(|(name, node)| match (node, event.get(name)) {
            (Node::Object(pattern), Some(value)) => pattern.matches(value),
            // Nothing inside is there.
            (Node::Object(pattern), None) => pattern.matches(&Value::Null),
            (Node::AnyOf(matchers), value) => matchers.iter().any(|matcher| matcher.matches(value)),
        })
    }
}

impl Matcher {
    fn read(value: &Value) -> Result<Self> {
        let Value::Object(fields) = value else {
            ensure!(!value.is_array(), "a list in a list of a pattern");
            return Ok(Self::Exact(value.clone()));
        };
        match fields.iter().collect::<Vec<_>>()[..] {
            [(name, Value::String(text))] if name == "prefix" => Ok(Self::Prefix(text.clone())),
            [(name, Value::String(text))] if name == "suffix" => Ok(Self::Suffix(text.clone())),
            [(name, Value::Bool(exists))] if name == "exists" => Ok(Self::Exists(*exists)),
            [(name, Value::Array(items))] if name == "anything-but" => {
                Ok(Self::AnythingBut(items.iter().map(Self::read).collect::<Result<_>>()?))
            }
            [(name, item)] if name == "anything-but" => Ok(Self::AnythingBut(vec![Self::read(item)?])),
            _ => bail!("{value} in a pattern is not supported by this emulator"),
        }
    }

    fn matches(&self, value: Option<&Value>) -> bool {
        let Some(value) = value else { return *self == Self::Exists(false) };
        // A list matches when one of it does.
        if let Value::Array(items) = value {
            return match self {
                Self::Exists(exists) => *exists,
                _ => items.iter().any(|item| self.matches(Some(item))),
            };
        }
        match (self, value) {
            (Self::Exact(wanted), value) => wanted == value,
            (Self::Prefix(prefix), Value::String(text)) => text.starts_with(prefix),
            (Self::Suffix(suffix), Value::String(text)) => text.ends_with(suffix),
            (Self::Prefix(_) | Self::Suffix(_), _) => false,
            // Of leaves only: an object is none.
            (Self::Exists(exists), value) => *exists != value.is_object(),
            (Self::AnythingBut(others), value) => !others.iter().any(|other| other.matches(Some(value))),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn matches(pattern: Value, event: Value) -> bool {
        EventPattern::read(&pattern).unwrap().matches(&event)
    }

    #[test]
    fn fields_match_one_of_a_list() {
        let pattern = json!({"source": ["a", "b"], "detail": {"kind": [{"prefix": "x"}], "n": [1]}});
        assert!(matches(pattern.clone(), json!({"source": "b", "other": 1, "detail": {"kind": "xy", "n": 1}})));
        assert!(matches(pattern.clone(), json!({"source": ["z", "a"], "detail": {"kind": "x", "n": 1}})));
        for event in [
            json!({"source": "c", "detail": {"kind": "xy", "n": 1}}),
            json!({"source": "a", "detail": {"kind": "yx", "n": 1}}),
            json!({"source": "a", "detail": {"kind": "x", "n": "1"}}),
            json!({"source": "a"}),
        ] {
            assert!(!matches(pattern.clone(), event.clone()), "{event}");
        }
    }

    #[test]
    fn what_is_there_and_what_is_not() {
        let there = json!({"a": {"b": [{"exists": true}]}});
        let not_there = json!({"a": {"b": [{"exists": false}]}});
        assert!(matches(there.clone(), json!({"a": {"b": null}})) && !matches(there, json!({"a": 1})));
        assert!(matches(not_there.clone(), json!({})) && !matches(not_there, json!({"a": {"b": 1}})));
        let but = json!({"a": [{"anything-but": ["x", {"prefix": "y"}]}], "b": [{"suffix": "z"}]});
        assert!(matches(but.clone(), json!({"a": "w", "b": "zz"})));
        assert!(
            !matches(but.clone(), json!({"a": "x", "b": "z"})) && !matches(but.clone(), json!({"a": "yy", "b": "z"}))
        );
        assert!(!matches(but, json!({"b": "z"})));
    }

    #[test]
    fn what_is_not_known_is_an_error() {
        for pattern in [
            r#"{}"#,
            r#"{"a":[]}"#,
            r#"{"a":"b"}"#,
            r#"{"$or":[{"a":["b"]}]}"#,
            r#"{"a":[{"numeric":[">",1]}]}"#,
            r#"[1]"#,
        ] {
            assert!(EventPattern::parse(pattern).is_err(), "{pattern}");
        }
    }
}

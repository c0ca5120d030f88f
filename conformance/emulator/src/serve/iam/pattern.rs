//! Wildcards, ARNs and policy variables, as policies write them.

use super::context::RequestContext;

/// Whether `text` is of the form `pattern`: `*` stands for any characters, `?` for one.
pub fn like(pattern: &str, text: &str) -> bool {
    wildcard(&literal(pattern), text)
}

/// A pattern after its variables were replaced: a `*` that came out of a variable is no wildcard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filled(Vec<Token>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Char(char),
    AnyOne,
    AnyNumber,
}

impl Filled {
    /// Whether a text is of this form.
    pub fn matches(&self, text: &str) -> bool {
        wildcard(&self.0, text)
    }

    /// Whether an ARN is of this form: each of the first five fields by itself, the rest as one (what `ArnLike` does).
    pub fn matches_arn(&self, arn: &str) -> bool {
        matches!(self.0[..], [Token::AnyNumber]) || arn_wildcard(&self.0, arn)
    }

    /// The text, with wildcards as the characters they are written with.
    pub fn text(&self) -> String {
        let character = |token: &Token| match token {
            Token::Char(c) => *c,
            Token::AnyOne => '?',
            Token::AnyNumber => '*',
        };
        self.0.iter().map(character).collect()
    }
}

/// Replaces the variables of a pattern: `${key}`, `${key, 'default'}`, and `${*}`, `${?}`, `${$}` for the characters
/// themselves. `None` when a variable has no single value: what it stands in then matches nothing (User Guide,
/// "Policy variables: variables with no value").
pub fn fill(pattern: &str, context: &RequestContext) -> Option<Filled> {
    let mut tokens = Vec::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some(start) = rest.find("${") {
        tokens.extend(literal(&rest[..start]));
        let length = rest[start..].find('}')?;
        let variable = &rest[start + 2..start + length];
        match variable {
            "*" | "?" | "$" => tokens.extend(variable.chars().map(Token::Char)),
            _ => {
                let (key, default) = split_default(variable);
                let value = match context.get(key) {
                    Some([value]) => value.as_str(),
                    Some(_) => return None,
                    None => default?,
                };
                tokens.extend(value.chars().map(Token::Char));
            }
        }
        rest = &rest[start + length + 1..];
    }
    tokens.extend(literal(rest));
    Some(Filled(tokens))
}

/// The keys of the variables in a pattern.
pub fn variables(pattern: &str) -> Vec<&str> {
    let mut keys = Vec::new();
    let mut rest = pattern;
    while let Some(start) = rest.find("${") {
        let Some(length) = rest[start..].find('}') else { break };
        let (key, _) = split_default(&rest[start + 2..start + length]);
        if !matches!(key, "*" | "?" | "$") {
            keys.push(key);
        }
        rest = &rest[start + length + 1..];
    }
    keys
}

fn split_default(variable: &str) -> (&str, Option<&str>) {
    match variable.split_once(',') {
        Some((key, default)) => (key.trim(), default.trim().strip_prefix('\'').and_then(|d| d.strip_suffix('\''))),
        None => (variable.trim(), None),
    }
}

fn literal(pattern: &str) -> Vec<Token> {
    pattern
        .chars()
        .map(|c| match c {
            '*' => Token::AnyNumber,
            '?' => Token::AnyOne,
            c => Token::Char(c),
        })
        .collect()
}

/// In time proportional to pattern × text, whatever they are: remembers only the last `*`.
fn wildcard(pattern: &[Token], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(Token::AnyNumber) => {
                star = Some((p + 1, t));
                p += 1;
            }
            Some(Token::AnyOne) => (p, t) = (p + 1, t + 1),
            Some(Token::Char(c)) if *c == text[t] => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((after, from)) => {
                    star = Some((after, from + 1));
                    (p, t) = (after, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|token| *token == Token::AnyNumber)
}

fn arn_wildcard(pattern: &[Token], arn: &str) -> bool {
    let fields: Vec<&str> = arn.splitn(6, ':').collect();
    let patterns: Vec<&[Token]> = pattern.splitn(6, |token| *token == Token::Char(':')).collect();
    fields.len() == 6
        && patterns.len() == 6
        && patterns.iter().zip(fields).all(|(pattern, field)| wildcard(pattern, field))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_characters() {
        for (pattern, text) in [
            ("", ""),
            ("*", ""),
            ("a*", "abc"),
            ("*c", "abc"),
            ("a*c", "abbbc"),
            ("a?c", "abc"),
            ("*b*b*", "abab"),
            ("s3:Get*", "s3:GetObject"),
        ] {
            assert!(like(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("", "a"), ("a", ""), ("a?c", "ac"), ("a*c", "abcd"), ("?", ""), ("*a", "b")] {
            assert!(!like(pattern, text), "{pattern} {text}");
        }
        assert!(!like(&"*a".repeat(40), &"b".repeat(4000)));
    }

    #[test]
    fn a_wildcard_of_an_arn_stays_in_its_field() {
        let arn = "arn:aws:s3:::bucket/me/a:b.zip";
        let arn_like = |pattern: &str, arn: &str| Filled(literal(pattern)).matches_arn(arn);
        for pattern in ["*", "arn:aws:s3:::bucket/*", "arn:*:s3:::bucket/me/a:?.zip", "arn:aws:s3:*:*:*"] {
            assert!(arn_like(pattern, arn), "{pattern}");
        }
        for pattern in ["arn:*", "arn:aws:*:bucket/*", "arn:aws:s3:::bucket", "arn:aws:s3:::Bucket/*"] {
            assert!(!arn_like(pattern, arn), "{pattern}");
        }
        assert!(!arn_like("arn:aws:s3:::*", "no arn"));
    }

    #[test]
    fn variables_take_the_values_of_the_call() {
        let context = RequestContext::new().with("aws:username", "tab*let").with_all("many", ["a", "b"]);
        let filled = fill("home/${aws:Username}/*", &context).unwrap();
        assert!(filled.matches("home/tab*let/x"));
        assert!(!filled.matches("home/tablet/x"), "a value's `*` is no wildcard");
        assert!(fill("${none, 'other'}/x", &context).unwrap().matches("other/x"));
        assert!(fill("a${*}b${$}", &context).unwrap().matches("a*b$"));
        for pattern in ["${none}", "${many}", "${unclosed"] {
            assert_eq!(fill(pattern, &context), None, "{pattern}");
        }
        assert_eq!(variables("a/${aws:username}/${x, 'y'}/${*}"), ["aws:username", "x"]);
    }
}

//! Condition operators (IAM User Guide, "IAM JSON policy elements: Condition operators" and "Conditions with multiple
//! context keys or values"). Operators that are not here are an error when a policy is read, so none is ever skipped.

use super::context::RequestContext;
use super::keys;
use super::pattern::{fill, variables};

/// One operator applied to one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    quantifier: Quantifier,
    operator: Operator,
    negated: bool,
    if_exists: bool,
    key: String,
    values: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quantifier {
    One,
    ForAllValues,
    ForAnyValue,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    StringEquals,
    StringEqualsIgnoreCase,
    StringLike,
    /// `ArnEquals` is `ArnLike` (User Guide: the two behave identically).
    ArnLike,
    Bool,
    Numeric(Comparison),
    Null,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equals,
    LessThan,
    LessThanEquals,
    GreaterThan,
    GreaterThanEquals,
}

impl Condition {
    /// Reads an operator as it is written, `ForAllValues:StringLikeIfExists` for example.
    pub fn new(operator: &str, key: &str, values: Vec<String>) -> Result<Self, String> {
        let unknown = || format!("the condition operator `{operator}` is not known to this emulator");
        let (quantifier, name) = match operator.split_once(':') {
            Some(("ForAllValues", name)) => (Quantifier::ForAllValues, name),
            Some(("ForAnyValue", name)) => (Quantifier::ForAnyValue, name),
            Some(_) => return Err(unknown()),
            None => (Quantifier::One, operator),
        };
        let (name, if_exists) = match name.strip_suffix("IfExists") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let (operator, negated) = Operator::named(name).ok_or_else(unknown)?;
        if operator == Operator::Null && (if_exists || quantifier != Quantifier::One) {
            return Err(unknown());
        }
        let multivalued = keys::is_multivalued(key).ok_or_else(|| format!("the condition key `{key}` is not known"))?;
        if multivalued && quantifier == Quantifier::One && operator != Operator::Null {
            return Err(format!("`{key}` has several values: it needs ForAllValues or ForAnyValue"));
        }
        for value in &values {
            operator.check(value)?;
            if let Some(key) = variables(value).into_iter().find(|key| keys::is_multivalued(key) != Some(false)) {
                return Err(format!("the policy variable `{key}` is not known, or has several values"));
            }
        }
        Ok(Self { quantifier, operator, negated, if_exists, key: key.to_owned(), values })
    }

    /// Whether a call fulfils it.
    pub fn holds(&self, context: &RequestContext) -> bool {
        let given = context.get(&self.key);
        if self.operator == Operator::Null {
            let missing = given.is_none_or(<[String]>::is_empty);
            return self.values.iter().any(|value| value.eq_ignore_ascii_case("true") == missing);
        }
        let Some(given) = given else {
            return match self.quantifier {
                Quantifier::One => self.if_exists || self.negated,
                Quantifier::ForAllValues => true,
                Quantifier::ForAnyValue => self.if_exists,
            };
        };
        let fits = |value: &String| self.fits(value, context) != self.negated;
        match self.quantifier {
            Quantifier::One => match given {
                [value] => fits(value),
                _ => self.negated,
            },
            Quantifier::ForAllValues => given.iter().all(fits),
            Quantifier::ForAnyValue => given.iter().any(fits),
        }
    }

    /// The values the policy writes.
    pub fn values(&self) -> &[String] {
        &self.values
    }

    /// Whether a value of the call is what any of the policy's values asks for.
    fn fits(&self, given: &str, context: &RequestContext) -> bool {
        self.values.iter().any(|wanted| self.operator.compare(wanted, given, context))
    }
}

impl Operator {
    /// The operator of this name, and whether its outcome is turned round.
    fn named(name: &str) -> Option<(Self, bool)> {
        use Comparison::{Equals, GreaterThan, GreaterThanEquals, LessThan, LessThanEquals};
        Some(match name {
            "StringEquals" => (Self::StringEquals, false),
            "StringNotEquals" => (Self::StringEquals, true),
            "StringEqualsIgnoreCase" => (Self::StringEqualsIgnoreCase, false),
            "StringNotEqualsIgnoreCase" => (Self::StringEqualsIgnoreCase, true),
            "StringLike" => (Self::StringLike, false),
            "StringNotLike" => (Self::StringLike, true),
            "ArnEquals" | "ArnLike" => (Self::ArnLike, false),
            "ArnNotEquals" | "ArnNotLike" => (Self::ArnLike, true),
            "Bool" => (Self::Bool, false),
            "NumericEquals" => (Self::Numeric(Equals), false),
            "NumericNotEquals" => (Self::Numeric(Equals), true),
            "NumericLessThan" => (Self::Numeric(LessThan), false),
            "NumericLessThanEquals" => (Self::Numeric(LessThanEquals), false),
            "NumericGreaterThan" => (Self::Numeric(GreaterThan), false),
            "NumericGreaterThanEquals" => (Self::Numeric(GreaterThanEquals), false),
            "Null" => (Self::Null, false),
            _ => return None,
        })
    }

    /// Whether a policy may write this value.
    fn check(self, value: &str) -> Result<(), String> {
        let fine = match self {
            Self::StringEquals | Self::StringEqualsIgnoreCase | Self::StringLike => true,
            Self::ArnLike => value == "*" || value.splitn(6, ':').count() == 6,
            Self::Bool | Self::Null => value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false"),
            Self::Numeric(_) => value.parse::<f64>().is_ok(),
        };
        if fine { Ok(()) } else { Err(format!("`{value}` is not a value for this condition operator")) }
    }

    fn compare(self, wanted: &str, given: &str, context: &RequestContext) -> bool {
        match self {
            Self::StringEquals => fill(wanted, context).is_some_and(|wanted| wanted.text() == given),
            Self::StringEqualsIgnoreCase => {
                fill(wanted, context).is_some_and(|wanted| wanted.text().eq_ignore_ascii_case(given))
            }
            Self::StringLike => fill(wanted, context).is_some_and(|wanted| wanted.matches(given)),
            Self::ArnLike => fill(wanted, context).is_some_and(|wanted| wanted.matches_arn(given)),
            Self::Bool => wanted.eq_ignore_ascii_case(given),
            Self::Numeric(comparison) => match (given.parse::<f64>(), wanted.parse::<f64>()) {
                (Ok(given), Ok(wanted)) => match comparison {
                    Comparison::Equals => given == wanted,
                    Comparison::LessThan => given < wanted,
                    Comparison::LessThanEquals => given <= wanted,
                    Comparison::GreaterThan => given > wanted,
                    Comparison::GreaterThanEquals => given >= wanted,
                },
                _ => false,
            },
            // Compared by presence, not by value.
            Self::Null => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(operator: &str, key: &str, values: &[&str]) -> Condition {
        Condition::new(operator, key, values.iter().map(|v| (*v).to_owned()).collect()).unwrap()
    }

    #[track_caller]
    fn holds(operator: &str, key: &str, values: &[&str], context: &RequestContext) -> bool {
        condition(operator, key, values).holds(context)
    }

    #[test]
    fn values_are_alternatives_and_their_negation_is_none_of_them() {
        let put = RequestContext::new().with("s3:prefix", "me/a");
        for (operator, values, expected) in [
            ("StringEquals", vec!["x", "me/a"], true),
            ("StringEquals", vec!["me/*"], false),
            ("StringEquals", vec!["ME/A"], false),
            ("StringEqualsIgnoreCase", vec!["ME/A"], true),
            ("StringNotEqualsIgnoreCase", vec!["ME/A"], false),
            ("StringLike", vec!["you/*", "me/*"], true),
            ("StringNotEquals", vec!["x", "me/a"], false),
            ("StringNotEquals", vec!["x", "y"], true),
            ("StringNotLike", vec!["x", "me/?"], false),
        ] {
            assert_eq!(holds(operator, "s3:prefix", &values, &put), expected, "{operator} {values:?}");
        }
    }

    #[test]
    fn a_missing_key_fulfils_only_what_is_negated_or_if_exists() {
        let nothing = RequestContext::new();
        for (operator, expected) in [
            ("StringEquals", false),
            ("StringLike", false),
            ("StringNotEquals", true),
            ("StringNotLike", true),
            ("StringEqualsIfExists", true),
            ("StringNotEqualsIfExists", true),
            ("ForAllValues:StringEquals", true),
            ("ForAnyValue:StringEquals", false),
            ("ForAnyValue:StringNotEquals", false),
            ("ForAnyValue:StringEqualsIfExists", true),
        ] {
            assert_eq!(holds(operator, "s3:prefix", &["x"], &nothing), expected, "{operator}");
        }
        assert!(!holds("Bool", "aws:SecureTransport", &["false"], &nothing));
        assert!(holds("BoolIfExists", "aws:SecureTransport", &["false"], &nothing));
    }

    #[test]
    fn sets_are_compared_value_by_value() {
        let key = "dynamodb:LeadingKeys";
        let two = RequestContext::new().with_all(key, ["build#a", "conn#b"]);
        let none = RequestContext::new().with_all::<&str>(key, []);
        for (operator, values, expected) in [
            ("ForAllValues:StringLike", vec!["build#*"], false),
            ("ForAllValues:StringLike", vec!["build#*", "conn#*"], true),
            ("ForAnyValue:StringLike", vec!["build#*"], true),
            ("ForAnyValue:StringLike", vec!["usage#*"], false),
            ("ForAllValues:StringNotLike", vec!["usage#*"], true),
            ("ForAllValues:StringNotLike", vec!["build#*"], false),
            ("ForAnyValue:StringNotLike", vec!["build#*"], true),
            ("ForAnyValue:StringNotLike", vec!["build#*", "conn#*"], false),
        ] {
            assert_eq!(holds(operator, key, &values, &two), expected, "{operator} {values:?}");
        }
        assert!(holds("ForAllValues:StringLike", key, &["x"], &none));
        assert!(!holds("ForAnyValue:StringLike", key, &["x"], &none));
        assert!(holds("Null", key, &["true"], &none));
    }

    #[test]
    fn presence_truth_numbers_and_arns() {
        let context = RequestContext::new()
            .with("s3:if-none-match", "*")
            .with("aws:SecureTransport", "false")
            .with("s3:max-keys", "10")
            .with("aws:SourceArn", "arn:aws:execute-api:eu-west-1:1:api/prod/$connect");
        assert!(holds("Null", "s3:if-none-match", &["false"], &context));
        assert!(!holds("Null", "s3:if-none-match", &["true"], &context));
        assert!(holds("Null", "s3:prefix", &["true"], &context));
        assert!(holds("Bool", "AWS:securetransport", &["False"], &context));
        assert!(!holds("Bool", "aws:SecureTransport", &["true"], &context));
        for (operator, value, expected) in [
            ("NumericEquals", "10.0", true),
            ("NumericNotEquals", "10", false),
            ("NumericLessThan", "10", false),
            ("NumericLessThanEquals", "10", true),
            ("NumericGreaterThan", "9", true),
            ("NumericGreaterThanEquals", "11", false),
        ] {
            assert_eq!(holds(operator, "s3:max-keys", &[value], &context), expected, "{operator}");
        }
        for (operator, value, expected) in [
            ("ArnLike", "arn:aws:execute-api:*:1:api/*", true),
            ("ArnEquals", "arn:aws:execute-api:*:1:api/*/$connect", true),
            ("ArnNotLike", "arn:aws:execute-api:*:1:api/*", false),
            ("ArnLike", "arn:aws:execute-api:*:api/*", false),
        ] {
            let made = Condition::new(operator, "aws:SourceArn", vec![value.to_owned()]);
            assert_eq!(made.is_ok_and(|condition| condition.holds(&context)), expected, "{operator} {value}");
        }
    }

    #[test]
    fn variables_are_filled_and_an_unknown_value_equals_nothing() {
        let context = RequestContext::new().with("aws:username", "me").with("s3:prefix", "me");
        assert!(holds("StringEquals", "s3:prefix", &["${aws:username}"], &context));
        assert!(!holds("StringEquals", "s3:prefix", &["${aws:PrincipalTag/owner}"], &context));
        assert!(holds("StringNotEquals", "s3:prefix", &["${aws:PrincipalTag/owner}"], &context));
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for (operator, key, value) in [
            ("StringEqual", "s3:prefix", "x"),
            ("DateLessThan", "aws:CurrentTime", "2026-01-01T00:00:00Z"),
            ("ForSomeValues:StringEquals", "s3:prefix", "x"),
            ("NullIfExists", "s3:prefix", "true"),
            ("StringEquals", "s3:prefixes", "x"),
            ("StringEquals", "dynamodb:LeadingKeys", "x"),
            ("StringEquals", "s3:prefix", "${aws:usrname}"),
            ("Bool", "aws:SecureTransport", "no"),
            ("NumericEquals", "s3:max-keys", "many"),
            ("ArnLike", "aws:SourceArn", "arn:aws:s3"),
        ] {
            assert!(Condition::new(operator, key, vec![value.to_owned()]).is_err(), "{operator} {key} {value}");
        }
    }
}

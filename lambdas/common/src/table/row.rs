//! Rows as DynamoDB hands them out.

use std::collections::HashMap;
use std::time::SystemTime;

use aws_sdk_dynamodb::types::AttributeValue;
use protocol::unix_millis;

use super::TableError;

/// A row: its attributes by name.
pub(crate) type Row = HashMap<String, AttributeValue>;

/// A text attribute of a row.
pub(crate) fn text<'a>(row: &'a Row, name: &'static str) -> Result<&'a str, TableError> {
    row.get(name).and_then(|value| value.as_s().ok()).map(String::as_str).ok_or_else(|| unreadable(row, name))
}

/// A whole number of a row.
pub(crate) fn number(row: &Row, name: &'static str) -> Result<u64, TableError> {
    row.get(name).and_then(|value| value.as_n().ok()?.parse().ok()).ok_or_else(|| unreadable(row, name))
}

/// An error about this row.
pub(crate) fn unreadable(row: &Row, why: impl ToString) -> TableError {
    let key = |name: &str| row.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default();
    TableError::Row { pk: key("pk"), sk: key("sk"), why: format!("`{}`", why.to_string()) }
}

/// A text as a DynamoDB attribute.
pub(crate) fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

/// A number as a DynamoDB attribute.
pub(crate) fn n(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// The attribute `ttl` of a row that is kept for so many hours: seconds since 1970, as DynamoDB wants it.
pub(crate) fn ttl(hours: u64) -> AttributeValue {
    n(unix_millis(SystemTime::now()) / 1000 + hours * 3600)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_lacks_something_is_named() {
        let row = Row::from([("pk".to_owned(), s("a")), ("sk".to_owned(), s("b")), ("at".to_owned(), n(5))]);
        assert_eq!(number(&row, "at").unwrap(), 5);
        assert_eq!(text(&row, "sk").unwrap(), "b");
        let why = text(&row, "events").unwrap_err().to_string();
        assert!(why.contains("`a` `b`") && why.contains("`events`"), "{why}");
        assert!(number(&row, "sk").is_err());
    }
}

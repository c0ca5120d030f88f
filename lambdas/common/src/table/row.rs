//! Reads and makes the attributes of DynamoDB rows.

use std::collections::HashMap;
use std::time::SystemTime;

use aws_sdk_dynamodb::types::AttributeValue;
use protocol::unix_millis;

use super::TableError;

/// A row: its attributes by name.
pub(crate) type Row = HashMap<String, AttributeValue>;

/// Reads a text attribute of a row.
pub(crate) fn text<'a>(row: &'a Row, name: &'static str) -> Result<&'a str, TableError> {
    row.get(name).and_then(|value| value.as_s().ok()).map(String::as_str).ok_or_else(|| unreadable(row, name))
}

/// Reads an attribute of a row that is a whole number.
pub(crate) fn number(row: &Row, name: &'static str) -> Result<u64, TableError> {
    row.get(name).and_then(|value| value.as_n().ok()?.parse().ok()).ok_or_else(|| unreadable(row, name))
}

/// Makes an error that names the row.
pub(crate) fn unreadable(row: &Row, why: impl ToString) -> TableError {
    let key = |name: &str| row.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default();
    TableError::Row { pk: key("pk"), sk: key("sk"), why: format!("`{}`", why.to_string()) }
}

/// Makes a DynamoDB attribute from a text.
pub(crate) fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

/// Makes a DynamoDB attribute from a number.
pub(crate) fn n(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// Makes the attribute `ttl` of a row that is kept for `hours`: in seconds since 1970, as DynamoDB requires.
pub(crate) fn ttl(hours: u64) -> AttributeValue {
    n(unix_millis(SystemTime::now()) / 1000 + hours * 3600)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_names_the_incomplete_row() {
        let row = Row::from([("pk".to_owned(), s("a")), ("sk".to_owned(), s("b")), ("at".to_owned(), n(5))]);
        assert_eq!(number(&row, "at").unwrap(), 5);
        assert_eq!(text(&row, "sk").unwrap(), "b");
        let why = text(&row, "events").unwrap_err().to_string();
        assert!(why.contains("`a` `b`") && why.contains("`events`"), "{why}");
        assert!(number(&row, "sk").is_err());
    }
}

//! What is known of a call: the values of condition keys.

use std::collections::BTreeMap;

/// Condition keys with their values. Names are compared without regard to case, as IAM does. A key may be there without
/// a value (an empty set), which is not the same as a key that is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestContext(BTreeMap<String, Vec<String>>);

impl RequestContext {
    /// A context without any condition key.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key with one value.
    pub fn set(&mut self, key: &str, value: impl Into<String>) {
        self.0.insert(key.to_ascii_lowercase(), vec![value.into()]);
    }

    /// Adds a key with any number of values.
    pub fn set_all<V: Into<String>>(&mut self, key: &str, values: impl IntoIterator<Item = V>) {
        self.0.insert(key.to_ascii_lowercase(), values.into_iter().map(Into::into).collect());
    }

    /// Returns the context with one more key.
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.set(key, value);
        self
    }

    /// With one more key of any number of values.
    #[cfg(test)]
    pub fn with_all<V: Into<String>>(mut self, key: &str, values: impl IntoIterator<Item = V>) -> Self {
        self.set_all(key, values);
        self
    }

    /// The values of a key, `None` when the call has no such key.
    pub fn get(&self, key: &str) -> Option<&[String]> {
        self.0.get(&key.to_ascii_lowercase()).map(Vec::as_slice)
    }
}

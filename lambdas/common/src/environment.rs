//! The functions' environment, set by Terraform.

use std::env;

use thiserror::Error;

/// A function was deployed without something it needs.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "the environment variable `{0}` is missing or empty: this function and its Terraform configuration don't fit together"
)]
pub struct MissingVariable(pub &'static str);

/// A variable that must be there.
pub fn variable(name: &'static str) -> Result<String, MissingVariable> {
    env::var(name).ok().filter(|value| !value.is_empty()).ok_or(MissingVariable(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_is_missing_is_named() {
        assert!(variable("PATH").is_ok());
        assert!(variable("CARGO_CLOUD_NO_SUCH_VARIABLE").unwrap_err().to_string().contains("CARGO_CLOUD_NO_SUCH"));
    }
}

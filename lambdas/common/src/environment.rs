//! The functions' environment, set by Terraform.

use std::{env, fmt};

use thiserror::Error;

/// A function was deployed without something it needs.
#[derive(Error, PartialEq, Eq)]
#[error(
    "the environment variable `{0}` is missing or empty: this function and its Terraform configuration have different versions"
)]
pub struct MissingVariable(pub &'static str);

/// What `main` ends with is shown like this, in the function's log.
impl fmt::Debug for MissingVariable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

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
        let missing = variable("CARGO_CLOUD_NO_SUCH_VARIABLE").unwrap_err();
        assert!(format!("{missing:?}").contains("`CARGO_CLOUD_NO_SUCH_VARIABLE` is missing"), "{missing}");
    }
}

//! Reads the functions' environment variables, which Terraform sets.

use std::{env, fmt};

use thiserror::Error;

/// The function was deployed without an environment variable that it needs.
#[derive(Error, PartialEq, Eq)]
#[error(
    "the environment variable `{0}` is missing or empty: this function and its Terraform configuration have different versions"
)]
pub struct MissingVariable(pub &'static str);

/// Lambda logs the error of `main` in this form, so it shows the same message as `Display`.
impl fmt::Debug for MissingVariable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// Reads an environment variable that must be set and not empty.
pub fn variable(name: &'static str) -> Result<String, MissingVariable> {
    env::var(name).ok().filter(|value| !value.is_empty()).ok_or(MissingVariable(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_names_the_missing_variable() {
        assert!(variable("PATH").is_ok());
        let missing = variable("CARGO_CLOUD_NO_SUCH_VARIABLE").unwrap_err();
        assert!(format!("{missing:?}").contains("`CARGO_CLOUD_NO_SUCH_VARIABLE` is missing"), "{missing}");
    }
}

//! The aliases that hold here.

use anyhow::Context;

use super::alias;
use crate::environment;
use crate::project::CargoConfig;

/// What an alias stands for in the current folder: the variable goes before the files, the nearest file first.
///
/// # Errors
/// When a file can't be read, or defines something else than an alias.
pub fn of_here(name: &str) -> anyhow::Result<Option<Vec<String>>> {
    if let Some(text) = environment::variable(&alias::variable(name)) {
        return Ok(Some(text.split_whitespace().map(str::to_owned).collect()));
    }
    let cwd = std::env::current_dir().context("the current folder is gone")?;
    let config = CargoConfig::read(&cwd, &cwd, environment::cargo_home(&cwd).as_deref())?;
    config.alias(name).map(|value| alias::words(name, value)).transpose()
}

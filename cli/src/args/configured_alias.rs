//! The aliases that are configured for the current folder.

use anyhow::Context;

use super::alias;
use crate::environment;
use crate::project::CargoConfig;

/// The words that an alias stands for in the current folder. The variable overrides the files, the nearest file the others.
///
/// # Errors
/// When a file can't be read, or its alias is neither a text nor a list of texts.
pub fn lookup(name: &str) -> anyhow::Result<Option<Vec<String>>> {
    if let Some(text) = environment::variable(&alias::variable(name)) {
        return Ok(Some(text.split_whitespace().map(str::to_owned).collect()));
    }
    let cwd = std::env::current_dir().context("the current folder is gone")?;
    let config = CargoConfig::read(&cwd, &cwd, environment::cargo_home(&cwd).as_deref())?;
    config.alias(name).map(|value| alias::words(name, value)).transpose()
}

//! The Python that has moto: scripts/moto.sh makes it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tokio::process::Command;

use super::{PROJECT, output_of};

/// The path of the Python in moto's virtual environment, which is made first where it is missing.
pub async fn environment() -> Result<PathBuf> {
    let script = Path::new(PROJECT).join("scripts/moto.sh");
    let path = output_of(Command::new("bash").arg(script)).await.context("moto can't be installed")?;
    Ok(PathBuf::from(path.trim_end()))
}

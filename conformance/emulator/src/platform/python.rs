//! The virtual environment with moto, made once and kept in target/.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tokio::process::Command;

use super::{PROJECT, output_of};

/// Its Python. It is made anew when the pinned requirements have changed.
pub async fn environment() -> Result<PathBuf> {
    let folder = Path::new(PROJECT).join("target/tools/moto");
    let python = folder.join("bin/python3");
    let requirements = Path::new(PROJECT).join("conformance/moto/requirements.txt");
    let wanted = std::fs::read(&requirements).with_context(|| format!("{} is missing", requirements.display()))?;
    let made_of = folder.join("made-of.txt");
    if std::fs::read(&made_of).is_ok_and(|made_of| made_of == wanted) {
        return Ok(python);
    }
    output_of(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))
        .await
        .context("a virtual environment is needed for moto (Debian: apt-get install python3-venv)")?;
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]).arg(&requirements);
    output_of(&mut install).await.context("moto can't be installed")?;
    std::fs::write(&made_of, wanted).with_context(|| format!("{} can't be written", made_of.display()))?;
    Ok(python)
}

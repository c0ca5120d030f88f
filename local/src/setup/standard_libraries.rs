//! Installs Rust's standard libraries for Android with rustup.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::record::{AddedTarget, SetupRecord};
use super::tool;

/// Rustup, with the toolchain that the backend uses for projects that name none.
pub(super) struct Rustup {
    program: PathBuf,
    toolchain: String,
}

impl Rustup {
    /// Finds rustup and asks for its active toolchain.
    pub fn find() -> Result<Self> {
        let program = tool("rustup")?;
        let shown = output(Command::new(&program).args(["show", "active-toolchain"]))?;
        let toolchain = shown.split_whitespace().next().context("rustup has no default toolchain")?.to_owned();
        Ok(Self { program, toolchain })
    }

    /// Name of the toolchain in rustup.
    pub fn toolchain(&self) -> &str {
        &self.toolchain
    }

    /// Whether the toolchain has the standard library for a target.
    pub fn has(&self, target: &str) -> Result<bool> {
        self.toolchain_has(&self.toolchain, target)
    }

    /// Adds the missing standard libraries. Each is recorded before it is added, so that `--remove` works even if the
    /// set-up is stopped halfway.
    pub fn add(&self, targets: &[&str], folder: &Path) -> Result<()> {
        for target in targets {
            if self.has(target)? {
                println!("standard library for {target}: installed already");
                continue;
            }
            let added = AddedTarget { toolchain: self.toolchain.clone(), target: (*target).to_owned() };
            SetupRecord::change(folder, |record| {
                if !record.added.contains(&added) {
                    record.added.push(added);
                }
            })?;
            println!("standard library for {target}: fetched by rustup");
            let status = Command::new(&self.program)
                .args(["target", "add", "--toolchain", &self.toolchain, target])
                .current_dir("/")
                .status()
                .context("rustup can't be started")?;
            if !status.success() {
                bail!("rustup could not add the standard library for {target}; what it says stands above");
            }
        }
        Ok(())
    }

    /// Removes an added standard library, if it is still installed.
    pub fn remove(&self, added: &AddedTarget) -> Result<()> {
        let AddedTarget { toolchain, target } = added;
        // The toolchain itself may be gone.
        if !self.toolchain_has(toolchain, target).unwrap_or_default() {
            return Ok(());
        }
        output(Command::new(&self.program).args(["target", "remove", "--toolchain", toolchain, target]))?;
        Ok(())
    }

    fn toolchain_has(&self, toolchain: &str, target: &str) -> Result<bool> {
        let list =
            output(Command::new(&self.program).args(["target", "list", "--installed", "--toolchain", toolchain]))?;
        Ok(list.lines().any(|line| line.trim() == target))
    }
}

/// Runs a command and returns its output; an error holds what it wrote to stderr. It runs in `/`, where no project's
/// `rust-toolchain.toml` applies.
fn output(command: &mut Command) -> Result<String> {
    let answer = command.current_dir("/").output().context("rustup can't be started")?;
    if !answer.status.success() {
        bail!("rustup failed: {}", String::from_utf8_lossy(&answer.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&answer.stdout).into_owned())
}

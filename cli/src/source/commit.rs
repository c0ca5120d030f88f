//! The last commit of the project's repository, for build scripts that run git: a shallow `.git`, which git itself
//! creates.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use tempfile::TempDir;
use walkdir::WalkDir;

use super::entry::{SourceEntry, file_content};
use crate::project::{DeviceProject, repository_root};

/// A shallow copy of a repository.
pub struct Commit {
    copy: TempDir,
    /// Root of the work tree that the copy belongs to.
    root: PathBuf,
}

impl Commit {
    /// Copies the commit that is checked out, and its tags, to a temporary folder.
    ///
    /// # Errors
    /// If there is no git or no repository.
    pub fn take(project: &DeviceProject) -> anyhow::Result<Self> {
        let root = repository_root(&project.root)
            .with_context(|| format!("`--with-git`: `{}` is not in a git repository", project.root.display()))?;
        let copy = tempfile::tempdir()
            .context("temporary files can't be created; set TMPDIR to a folder that you can write to")?;
        let mut url = std::ffi::OsString::from("file://");
        url.push(&root);
        git(Command::new("git")
            .args(["clone", "--quiet", "--depth=1", "--no-checkout", "--"])
            .arg(url)
            .arg(copy.path()))?;
        // With an index of the commit, git finds the files unchanged.
        git(Command::new("git").arg("-C").arg(copy.path()).args(["read-tree", "HEAD"]))?;
        // The remote is a folder on this device, so it means nothing to the builder.
        git(Command::new("git").arg("-C").arg(copy.path()).args(["remote", "remove", "origin"]))?;
        Ok(Self { copy, root })
    }

    /// The files of the copy, as entries of the work tree's `.git`.
    pub fn entries(&self, project: &DeviceProject) -> anyhow::Result<Vec<SourceEntry>> {
        let folder = self.copy.path().join(".git");
        let name = project.inside(&self.root.join(".git"))?;
        let mut entries = Vec::new();
        for file in WalkDir::new(&folder).sort_by_file_name() {
            let file = file.context("a temporary folder disappeared")?;
            let below = file.path().strip_prefix(&folder).unwrap_or(Path::new(""));
            // Hooks come from the user's templates, not from the repository.
            if !file.file_type().is_file() || below.starts_with("hooks") {
                continue;
            }
            let below = below.to_str().context("the name of a file in `.git` is not UTF-8")?;
            let metadata = file.metadata().context("a temporary folder disappeared")?;
            let content = file_content(&metadata).context("a temporary folder disappeared")?;
            entries.push(SourceEntry { path: file.path().to_path_buf(), name: format!("{name}/{below}"), content });
        }
        Ok(entries)
    }
}

fn git(command: &mut Command) -> anyhow::Result<()> {
    let output = command.output().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            anyhow::anyhow!(
                "`--with-git` needs git on this device (in Termux: `pkg install git`), or leave out the flag"
            )
        }
        _ => anyhow::Error::new(error).context("could not start git"),
    })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`--with-git`: git could not copy the last commit: {}", said.trim());
    }
    Ok(())
}

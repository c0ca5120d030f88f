//! The last commit of the project's repository, for build scripts that ask git: a shallow `.git`, made by git itself.

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
    /// The work tree it is of.
    root: PathBuf,
}

impl Commit {
    /// Takes the commit that is checked out, with the tags that name it.
    ///
    /// # Errors
    /// Without git, without a repository, and for one whose root lies above all that is sent.
    pub fn take(project: &DeviceProject) -> anyhow::Result<Self> {
        let root = repository_root(&project.root)
            .with_context(|| format!("`--with-git`: `{}` lies in no git repository", project.root.display()))?;
        let copy =
            tempfile::tempdir().context("there is no place for temporary files; set TMPDIR to a folder of yours")?;
        let mut url = std::ffi::OsString::from("file://");
        url.push(&root);
        git(Command::new("git")
            .args(["clone", "--quiet", "--depth=1", "--no-checkout", "--"])
            .arg(url)
            .arg(copy.path()))?;
        // An index of the commit, so that git finds what was sent unchanged.
        git(Command::new("git").arg("-C").arg(copy.path()).args(["read-tree", "HEAD"]))?;
        // It names a folder of this device.
        git(Command::new("git").arg("-C").arg(copy.path()).args(["remote", "remove", "origin"]))?;
        Ok(Self { copy, root })
    }

    /// Its files, as `.git` of the work tree.
    pub fn entries(&self, project: &DeviceProject) -> anyhow::Result<Vec<SourceEntry>> {
        let folder = self.copy.path().join(".git");
        let name = project.inside(&self.root.join(".git"))?;
        let mut entries = Vec::new();
        for file in WalkDir::new(&folder).sort_by_file_name() {
            let file = file.context("a temporary folder went away")?;
            let below = file.path().strip_prefix(&folder).unwrap_or(Path::new(""));
            // What others may have put into every new repository.
            if !file.file_type().is_file() || below.starts_with("hooks") {
                continue;
            }
            let below = below.to_str().context("a name of git's is not UTF-8")?;
            let metadata = file.metadata().context("a temporary folder went away")?;
            let content = file_content(&metadata).context("a temporary folder went away")?;
            entries.push(SourceEntry { path: file.path().to_path_buf(), name: format!("{name}/{below}"), content });
        }
        Ok(entries)
    }
}

fn git(command: &mut Command) -> anyhow::Result<()> {
    let output = command.output().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            anyhow::anyhow!("`--with-git` needs git on this device (in Termux: `pkg install git`), or leave it away")
        }
        _ => anyhow::Error::new(error).context("could not start git"),
    })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`--with-git`: git could not copy the last commit: {}", said.trim());
    }
    Ok(())
}

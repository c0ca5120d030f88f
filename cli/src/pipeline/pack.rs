//! The source of a project on its way into the archive: what is listed, what the user is told of it, and its limits.

use std::path::Path;

use anyhow::bail;
use protocol::limits::{MAX_ENTRIES, MAX_UNPACKED_BYTES};

use super::plan::Workspace;
use crate::project::DeviceProject;
use crate::source::{self, Commit, SourceEntry, SourceListing, biggest_folders};
use crate::terminal::{Shell, bytes};

/// How many files with secrets a warning names.
const NAMED_SECRETS: usize = 5;

/// How many folders are listed when a source is too large.
const LISTED_FOLDERS: usize = 5;

/// A project whose source is sent.
pub struct ProjectSource<'a> {
    /// The project as it is on this device.
    pub project: &'a DeviceProject,
    target_dir: &'a Path,
    /// The repository's last commit, which `--with-git` sends too.
    commit: Option<Commit>,
}

impl<'a> ProjectSource<'a> {
    /// The source of a project without its target directory.
    pub fn new(project: &'a DeviceProject, target_dir: &'a Path) -> Self {
        Self { project, target_dir, commit: None }
    }

    /// The source of a workspace, with the repository's last commit if `with_git` is set.
    ///
    /// # Errors
    /// If the commit can't be read.
    pub fn of_workspace(workspace: &'a Workspace, with_git: bool) -> anyhow::Result<Self> {
        let commit = if with_git { Some(Commit::take(&workspace.project)?) } else { None };
        Ok(Self { commit, ..Self::new(&workspace.project, &workspace.target_dir) })
    }

    /// Lists the files to send, as they are now.
    ///
    /// # Errors
    /// If a folder can't be read.
    pub fn list(&self) -> anyhow::Result<SourceListing> {
        let mut listing = source::list(self.project, self.target_dir)?;
        if let Some(commit) = &self.commit {
            listing.entries.extend(commit.entries(self.project)?);
        }
        Ok(listing)
    }
}

/// Prints what the user should know of a source before it is sent: notes, and files that look like secrets.
pub fn report_listing(shell: &Shell, listing: &SourceListing) {
    for note in &listing.notes {
        shell.note(note);
    }
    if let Some(first) = listing.secrets.first() {
        let named = listing.secrets.iter().take(NAMED_SECRETS).map(|path| format!("`{path}`")).collect::<Vec<_>>();
        let more = match listing.secrets.len() - named.len() {
            0 => String::new(),
            count => format!(" and {count} more"),
        };
        shell.warn(format!(
            "what looks like a secret is sent to the builder: {}{more}; leave it out with `exclude = [\"{first}\"]` under \
             [workspace.metadata.cloud], or name it in `include` if the build needs it",
            named.join(", ")
        ));
    }
}

/// Checks the limits that every backend has, before anything is sent.
///
/// # Errors
/// If there are too many files, or they are too large.
pub fn check_limits(listing: &SourceListing) -> anyhow::Result<()> {
    let (count, size) = (listing.entries.len() + 1, listing.size());
    let over = if count > MAX_ENTRIES {
        format!("the source has {count} files, the limit is {MAX_ENTRIES}")
    } else if size > MAX_UNPACKED_BYTES {
        format!("the source is {} large, the limit is {}", bytes(size), bytes(MAX_UNPACKED_BYTES))
    } else {
        return Ok(());
    };
    bail!("{over}\n{}", exclusion_advice(&listing.entries))
}

/// The largest folders, and how to leave one out.
pub fn exclusion_advice(entries: &[SourceEntry]) -> String {
    let folders = biggest_folders(entries, LISTED_FOLDERS);
    let list: Vec<_> = folders
        .iter()
        .map(|(name, size, files)| format!("  {:>10} in {files} files of `{name}`", bytes(*size)))
        .collect();
    let name = folders.first().map_or("data", |(name, ..)| name);
    format!(
        "The largest folders:\n{}\nLeave out what the build doesn't need, in Cargo.toml:\n  [workspace.metadata.cloud]\n  exclude = [\"/{name}\"]",
        list.join("\n")
    )
}

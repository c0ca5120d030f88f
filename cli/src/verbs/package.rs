//! `cargo cloud package --list`: shows what a build would send.

use crate::args::{Invocation, PackageArgs};
use crate::pipeline::{Workspace, report_listing};
use crate::source;
use crate::terminal::{Shell, bytes};

/// Prints the files that a build would send, a line each with its size, and the totals. Returns the exit code.
///
/// # Errors
/// If there is no project, or it can't be read.
pub fn package(shell: &Shell, invocation: &Invocation, args: &PackageArgs) -> anyhow::Result<u8> {
    let workspace = Workspace::find(&invocation.cli.common, &args.project)?;
    let listing = source::list(&workspace.project, &workspace.target_dir)?;
    for entry in &listing.entries {
        match &entry.content {
            source::SourceContent::File { size, .. } => {
                shell.print(format_args!("{:>10}  {}", bytes(*size), entry.name))
            }
            source::SourceContent::Link { target } => {
                shell.print(format_args!("{:>10}  {} -> {target}", "link", entry.name))
            }
            source::SourceContent::Folder => shell.print(format_args!("{:>10}  {}/", "folder", entry.name)),
        }
    }
    report_listing(shell, &listing);
    shell.status("Total", format!("{} files, {} before compression", listing.entries.len(), bytes(listing.size())));
    for (folder, size, files) in source::biggest_folders(&listing.entries, 5) {
        shell.status("", format!("{:>10} in {files} files of `{folder}`", bytes(size)));
    }
    Ok(0)
}

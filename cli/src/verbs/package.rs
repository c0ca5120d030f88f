//! `cargo cloud package --list`: what would go up.

use crate::args::{Invocation, PackageArgs};
use crate::pipeline::plan::Workspace;
use crate::source;
use crate::terminal::{Shell, bytes};

/// Prints the files that a build would send, one a line with their size, and what they come to.
pub fn package(shell: &Shell, typed: &Invocation, args: &PackageArgs) -> anyhow::Result<u8> {
    let place = Workspace::find(&typed.cli.common, &args.project)?;
    let listing = source::list(&place.project, &place.target_dir)?;
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
    crate::pipeline::send::tell(shell, &listing);
    shell.status("Total", format!("{} files, {} before compression", listing.entries.len(), bytes(listing.size())));
    for (folder, size, files) in source::biggest_folders(&listing.entries, 5) {
        shell.status("", format!("{:>10} in {files} files of `{folder}`", bytes(size)));
    }
    Ok(0)
}

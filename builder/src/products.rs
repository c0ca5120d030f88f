//! What a build made that goes to the device.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use protocol::limits::MAX_ENTRIES;
use protocol::{Command, FileKind, Request};

use crate::project::Project;

/// A file for the device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Product {
    /// Where it lies, canonical.
    pub file: PathBuf,
    /// Its path in the artifact: of most, that below the target directory, `/` between parts.
    pub path: String,
    /// What it is.
    pub kind: FileKind,
}

/// What a request makes beside programs: documentation, timings, the files of `--artifact-dir`. `since`: when the build
/// began.
pub(crate) fn files_of(request: &Request, project: &Project, since: SystemTime) -> Vec<Product> {
    let mut products = Vec::new();
    if request.command == Command::Doc {
        let targets = &request.options.target;
        let folders: Vec<String> = match targets.as_slice() {
            [] => vec!["doc".to_owned()],
            targets => targets.iter().map(|target| format!("{target}/doc")).collect(),
        };
        for folder in folders {
            collect(&project.target.join(&folder), &folder, &FileKind::File, &mut products);
        }
    }
    if request.options.timings {
        let mut reports = Vec::new();
        collect(&project.target.join("cargo-timings"), "cargo-timings", &FileKind::File, &mut reports);
        let new = |report: &Product| {
            report.file.metadata().and_then(|metadata| metadata.modified()).is_ok_and(|written| written >= since)
        };
        products.extend(reports.into_iter().filter(new));
    }
    if request.options.artifact_dir {
        collect(&project.artifact_dir, "artifact-dir", &FileKind::ArtifactDir, &mut products);
    }
    products
}

/// The regular files below `folder`; links lead anywhere, and cargo makes none there. What can't be read, or has no name
/// that a device could have, stays here.
fn collect(folder: &Path, name: &str, kind: &FileKind, products: &mut Vec<Product>) {
    let Ok(entries) = folder.read_dir() else { return };
    let mut entries: Vec<_> = entries.flatten().collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let Ok(file_name) = entry.file_name().into_string() else { continue };
        let (path, name) = (entry.path(), format!("{name}/{file_name}"));
        match entry.file_type() {
            Ok(file_type) if file_type.is_dir() => collect(&path, &name, kind, products),
            // Locks of cargo's and rustdoc's.
            Ok(file_type) if file_type.is_file() && !file_name.starts_with('.') && products.len() < MAX_ENTRIES => {
                products.push(Product { file: path, path: name, kind: kind.clone() });
            }
            _ => {}
        }
    }
}

//! The files of a build that go to the device.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use protocol::limits::MAX_ENTRIES;
use protocol::{Command, FileKind, Request};

use crate::project::ProjectFolder;

/// A file of the build that goes to the device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BuiltFile {
    /// Its path on the builder, without symbolic links.
    pub file: PathBuf,
    /// Its path in the artifact, with `/` between parts: for most files the path below the target directory.
    pub path: String,
    /// What the device does with it.
    pub kind: FileKind,
}

/// The files that a request makes in addition to programs and libraries: documentation, timing reports newer than `since`
/// (when the build began), and the files of `--artifact-dir`.
pub(crate) fn additional_files(request: &Request, project: &ProjectFolder, since: SystemTime) -> Vec<BuiltFile> {
    let mut files = Vec::new();
    if request.command == Command::Doc {
        let targets = &request.options.target;
        let folders: Vec<String> = match targets.as_slice() {
            [] => vec!["doc".to_owned()],
            targets => targets.iter().map(|target| format!("{target}/doc")).collect(),
        };
        for folder in folders {
            collect(&project.target.join(&folder), &folder, &FileKind::File, &mut files);
        }
    }
    if request.options.timings {
        let mut reports = Vec::new();
        collect(&project.target.join("cargo-timings"), "cargo-timings", &FileKind::File, &mut reports);
        let new = |report: &BuiltFile| {
            report.file.metadata().and_then(|metadata| metadata.modified()).is_ok_and(|written| written >= since)
        };
        files.extend(reports.into_iter().filter(new));
    }
    if request.options.artifact_dir {
        collect(&project.artifact_dir, "artifact-dir", &FileKind::ArtifactDir, &mut files);
    }
    files
}

/// Adds the regular files below `folder`. Symbolic links are left out, because cargo makes none there, and so are files
/// that can't be read or whose names are not UTF-8.
fn collect(folder: &Path, name: &str, kind: &FileKind, files: &mut Vec<BuiltFile>) {
    let Ok(entries) = folder.read_dir() else { return };
    let mut entries: Vec<_> = entries.flatten().collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let Ok(file_name) = entry.file_name().into_string() else { continue };
        let (path, name) = (entry.path(), format!("{name}/{file_name}"));
        match entry.file_type() {
            Ok(file_type) if file_type.is_dir() => collect(&path, &name, kind, files),
            // Hidden files are locks of cargo's and rustdoc's.
            Ok(file_type) if file_type.is_file() && !file_name.starts_with('.') && files.len() < MAX_ENTRIES => {
                files.push(BuiltFile { file: path, path: name, kind: kind.clone() });
            }
            _ => {}
        }
    }
}

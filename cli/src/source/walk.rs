//! Finds the files to send. Git's ignore rules apply, build output is left out, and the manifests' lists override both.

use std::collections::BTreeMap;
use std::fs::FileType;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use walkdir::{DirEntry, WalkDir};

use super::entry::{SourceContent, SourceEntry, SourceListing, file_content};
use super::include_rules::IncludeRules;
use super::patterns::Patterns;
use super::secrets::looks_secret;
use super::work_tree::WorkTree;
use crate::project::{DeviceProject, normalize, relative, repository_root};

/// Lists everything of a project that is sent. `target_dir` is cargo's target directory.
///
/// # Errors
/// If a folder or file that should be sent can't be read.
pub fn list(project: &DeviceProject, target_dir: &Path) -> anyhow::Result<SourceListing> {
    let mut walk = Walk {
        project,
        target_dir,
        selections: IncludeRules::new(&project.selections),
        found: BTreeMap::new(),
        notes: Vec::new(),
        own_output: own_output(),
    };
    // The folders are sorted, so that outer folders come before inner ones and nothing is walked twice.
    let mut folders = project.folders.clone();
    folders.sort_unstable();
    for folder in folders {
        let name = project.inside(&folder)?;
        if walk.needed(&name, &folder) {
            walk.folder(&folder, &name, &mut vec![folder.clone()])?;
        }
    }
    for file in project.files.iter().chain([&project.root.join("Cargo.lock")]) {
        if file.exists() {
            walk.file(file, project.inside(file)?)?;
        }
    }
    let Walk { found, notes, selections, .. } = walk;
    let entries: Vec<SourceEntry> = found.into_values().collect();
    let secret = |entry: &&SourceEntry| !selections.includes(&entry.path, false) && looks_secret(&entry.path);
    let secrets = entries.iter().filter(secret).map(|entry| entry.name.clone()).collect();
    Ok(SourceListing { entries, notes, secrets })
}

struct Walk<'a> {
    project: &'a DeviceProject,
    target_dir: &'a Path,
    selections: IncludeRules,
    found: BTreeMap<String, SourceEntry>,
    notes: Vec<String>,
    /// Device and inode of the files that output is redirected to: `cargo cloud build 2> log.txt` changes that file
    /// while it is packed.
    own_output: Vec<(u64, u64)>,
}

/// The rules that a folder adds to those of the folders above.
struct FolderRules {
    ignore: Option<Patterns>,
    gitignore: Option<Patterns>,
    /// The repository whose root is this folder. Rules from above don't apply in it.
    repository: Option<WorkTree>,
    /// Whether the folder is ignored, and entered only for tracked or included files below it.
    ignored: bool,
    /// Whether everything below is sent regardless of the rules.
    whole: bool,
}

impl FolderRules {
    fn read(folder: &Path, ignored: bool, whole: bool) -> Self {
        Self {
            ignore: Patterns::read(folder, &folder.join(".ignore")),
            gitignore: Patterns::read(folder, &folder.join(".gitignore")),
            repository: folder.join(".git").exists().then(|| WorkTree::open(folder)),
            ignored,
            whole,
        }
    }

    fn without_git(&mut self) {
        (self.gitignore, self.repository) = (None, None);
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Verdict {
    Send,
    /// Leave out the folder, but look in it for files to send.
    Search,
    Leave,
}

impl Walk<'_> {
    /// Whether a folder is not yet covered by an outer one.
    fn needed(&self, name: &str, folder: &Path) -> bool {
        let inside = self.project.folders.iter().any(|other| other != folder && folder.starts_with(other));
        let prefix = format!("{name}/");
        !(inside && self.found.range(prefix.clone()..).next().is_some_and(|(found, _)| found.starts_with(&prefix)))
    }

    /// Walks `folder`, whose name in the archive is `name`; `above` are the folders that led here, to detect cycles.
    fn folder(&mut self, folder: &Path, name: &str, above: &mut Vec<PathBuf>) -> anyhow::Result<()> {
        let mut frames = frames_above(folder);
        let mut base = frames.len();
        let mut tracked = true;
        let mut walker = WalkDir::new(folder).sort_by_file_name().into_iter();
        while let Some(entry) = walker.next() {
            let entry = entry.map_err(|error| unreadable(&error))?;
            let kind = entry.file_type();
            frames.truncate(base + entry.depth());
            if entry.depth() == 0 {
                frames.push(FolderRules::read(folder, false, self.is_vendored(folder)));
                // As in cargo: if git ignores a package's manifest, git's rules don't apply to the package.
                let manifest = folder.join("Cargo.toml");
                if manifest.is_file() && git_ignores(&manifest, false, of_repository(&frames)) {
                    (base, tracked) = (0, false);
                    frames.drain(..frames.len() - 1);
                    frames.iter_mut().for_each(FolderRules::without_git);
                }
                continue;
            }
            let verdict = self.verdict(&entry, &frames);
            if kind.is_dir() {
                if verdict == Verdict::Leave {
                    walker.skip_current_dir();
                    continue;
                }
                let whole = frames.last().is_some_and(|frame| frame.whole)
                    || self.is_vendored(entry.path())
                    || (verdict == Verdict::Send && self.selections.includes(entry.path(), true));
                frames.push(FolderRules::read(entry.path(), verdict == Verdict::Search, whole));
                if !tracked {
                    frames.iter_mut().for_each(FolderRules::without_git);
                }
                if verdict == Verdict::Send && is_empty(entry.path()) {
                    self.empty_folder(entry.path(), folder, name);
                }
            } else if verdict == Verdict::Send {
                let below = entry.path().strip_prefix(folder).unwrap_or(entry.path());
                let Some(below) = below.to_str() else {
                    self.notes.push(format!("`{}` is left out: its name is not UTF-8", entry.path().display()));
                    continue;
                };
                if below.contains('\\') {
                    self.notes.push(format!("`{below}` is left out: its name contains a backslash"));
                    continue;
                }
                let name = if name.is_empty() { below.to_owned() } else { format!("{name}/{below}") };
                self.leaf(&entry, kind, name, above)?;
            }
        }
        Ok(())
    }

    /// Adds an empty folder, which a build script may need.
    fn empty_folder(&mut self, path: &Path, folder: &Path, name: &str) {
        let below = path.strip_prefix(folder).ok().and_then(Path::to_str).filter(|below| !below.contains('\\'));
        let Some(below) = below else { return };
        let name = if name.is_empty() { below.to_owned() } else { format!("{name}/{below}") };
        self.found.insert(name.clone(), SourceEntry { path: path.to_path_buf(), name, content: SourceContent::Folder });
    }

    fn is_vendored(&self, folder: &Path) -> bool {
        self.project.vendored.iter().any(|vendored| folder.starts_with(vendored))
    }

    fn verdict(&self, entry: &DirEntry, frames: &[FolderRules]) -> Verdict {
        let (path, is_dir) = (entry.path(), entry.file_type().is_dir());
        if self.selections.excludes(path, is_dir) {
            return Verdict::Leave;
        }
        if self.selections.includes(path, is_dir) {
            return Verdict::Send;
        }
        let leave = if is_dir && self.selections.includes_below(path) { Verdict::Search } else { Verdict::Leave };
        let parent = frames.last();
        if entry.file_name() == ".git" || (is_dir && self.is_cache(path)) {
            return leave;
        }
        if parent.is_some_and(|frame| frame.whole) {
            return Verdict::Send;
        }
        if let Some(ignored) = frames.iter().rev().find_map(|frame| frame.ignore.as_ref()?.verdict(path, is_dir)) {
            return if ignored { leave } else { Verdict::Send };
        }
        let frames = of_repository(frames);
        let repository = frames.first().and_then(|frame| frame.repository.as_ref());
        match git_ignores(path, is_dir, frames) {
            false => Verdict::Send,
            true if is_dir && repository.is_some_and(|repository| repository.tracks(path, true)) => Verdict::Search,
            true => leave,
        }
    }

    /// Whether a folder is a target directory, or is marked as a cache (bford.info/cachedir).
    fn is_cache(&self, path: &Path) -> bool {
        const SIGNATURE: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55";
        let tagged = || {
            let mut head = [0; SIGNATURE.len()];
            let read = std::fs::File::open(path.join("CACHEDIR.TAG")).and_then(|mut file| file.read_exact(&mut head));
            read.is_ok() && head == SIGNATURE
        };
        path == self.target_dir || path == self.project.root.join("target") || tagged()
    }

    fn leaf(&mut self, entry: &DirEntry, kind: FileType, name: String, above: &mut Vec<PathBuf>) -> anyhow::Result<()> {
        if kind.is_symlink() {
            self.link(entry.path(), name, above)
        } else if kind.is_file() {
            self.file(entry.path(), name)
        } else {
            self.notes.push(format!("`{name}` is left out: it is neither a file nor a folder"));
            Ok(())
        }
    }

    fn file(&mut self, path: &Path, name: String) -> anyhow::Result<()> {
        let metadata = std::fs::metadata(path).with_context(|| format!("could not read `{}`", path.display()))?;
        if self.own_output.contains(&(metadata.dev(), metadata.ino())) {
            return Ok(());
        }
        let content = file_content(&metadata).with_context(|| format!("could not read `{}`", path.display()))?;
        self.found.insert(name.clone(), SourceEntry { path: path.to_path_buf(), name, content });
        Ok(())
    }

    /// Adds a link. A link into a folder that is sent stays a link; for any other, the content that it points to is
    /// sent.
    fn link(&mut self, path: &Path, name: String, above: &mut Vec<PathBuf>) -> anyhow::Result<()> {
        let target =
            std::fs::read_link(path).with_context(|| format!("could not read the link `{}`", path.display()))?;
        let parent = path.parent().unwrap_or(path);
        let full = normalize(&parent.join(&target));
        let inside = self.project.folders.iter().any(|folder| full.starts_with(folder));
        if inside && let Some(target) = relative(parent, &full).to_str() {
            let target = if target.is_empty() { "." } else { target }.to_owned();
            self.found.insert(
                name.clone(),
                SourceEntry { path: path.to_path_buf(), name, content: SourceContent::Link { target } },
            );
            return Ok(());
        }
        match path.canonicalize() {
            Ok(real) if real.is_dir() => {
                if path.starts_with(&real) || above.iter().any(|folder| folder.starts_with(&real)) {
                    bail!(
                        "the link `{}` leads to `{}`, a folder around itself; leave it out with `exclude`",
                        path.display(),
                        real.display()
                    );
                }
                above.push(real.clone());
                self.folder(&real, &name, above)?;
                above.pop();
                Ok(())
            }
            Ok(real) if real.is_file() => self.file(&real, name),
            Ok(_) => {
                self.notes.push(format!("`{name}` is left out: it links to neither a file nor a folder"));
                Ok(())
            }
            Err(_) => {
                self.notes
                    .push(format!("`{name}` is left out: it links to `{}`, which doesn't exist", target.display()));
                Ok(())
            }
        }
    }
}

/// The rules of the innermost repository, because git's rules apply only inside their own repository.
fn of_repository(frames: &[FolderRules]) -> &[FolderRules] {
    &frames[frames.iter().rposition(|frame| frame.repository.is_some()).unwrap_or(0)..]
}

/// Whether git ignores the path. All frames belong to one repository.
fn git_ignores(path: &Path, is_dir: bool, frames: &[FolderRules]) -> bool {
    let repository = frames.first().and_then(|frame| frame.repository.as_ref());
    if repository.is_some_and(|repository| repository.tracks(path, false)) {
        return false;
    }
    let rule = || frames.iter().rev().find_map(|frame| frame.gitignore.as_ref()?.verdict(path, is_dir));
    frames.last().is_some_and(|frame| frame.ignored)
        || rule().or_else(|| repository?.verdict(path, is_dir)).unwrap_or(false)
}

/// The rules of the folders above this one, up to the root of their repository.
fn frames_above(folder: &Path) -> Vec<FolderRules> {
    let Some(root) = repository_root(folder) else { return Vec::new() };
    let mut above: Vec<&Path> = folder.ancestors().skip(1).take_while(|ancestor| ancestor.starts_with(&root)).collect();
    above.reverse();
    above.into_iter().map(|ancestor| FolderRules::read(ancestor, false, false)).collect()
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

fn own_output() -> Vec<(u64, u64)> {
    let (out, err) = (std::io::stdout(), std::io::stderr());
    let files = [out.as_fd(), err.as_fd()].map(|fd| fd.try_clone_to_owned().map(std::fs::File::from));
    let metadata = files.into_iter().flatten().filter_map(|file| file.metadata().ok());
    metadata.filter(|metadata| metadata.is_file()).map(|metadata| (metadata.dev(), metadata.ino())).collect()
}

fn unreadable(error: &walkdir::Error) -> anyhow::Error {
    let path = error.path().map(|path| path.display().to_string()).unwrap_or_default();
    let why = error.io_error().map(ToString::to_string).unwrap_or_else(|| error.to_string());
    anyhow::anyhow!(
        "could not read the folder `{path}`: {why}; make it readable or leave it out with `exclude` under [workspace.metadata.cloud]"
    )
}

#[cfg(test)]
mod tests;

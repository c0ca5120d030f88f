//! Reads what git knows about a work tree: its tracked files, and the ignore rules outside of `.gitignore` files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::git_index::tracked_paths;
use super::patterns::Patterns;
use crate::config::{IniEntry, parse_ini};

/// The parts of a git work tree that decide what is sent.
#[derive(Debug, Default)]
pub struct WorkTree {
    root: PathBuf,
    tracked: BTreeSet<Vec<u8>>,
    /// Rules for the whole tree in the order of precedence: `info/exclude`, then the user's own.
    rules: Vec<Patterns>,
}

impl WorkTree {
    /// Opens the repository whose work tree is at `root`.
    pub fn open(root: &Path) -> Self {
        let git = git_folder(root);
        let common =
            std::fs::read_to_string(git.join("commondir")).map(|path| git.join(path.trim())).unwrap_or(git.clone());
        let config = read_config(&common.join("config"));
        let sha256 = value(&config, "extensions", "objectformat").is_some_and(|format| format == "sha256");
        let mut rules = Vec::new();
        rules.extend(Patterns::read(root, &common.join("info/exclude")));
        rules.extend(excludes_file(&config).and_then(|file| Patterns::read(root, &file)));
        let tracked = tracked_paths(&git.join("index"), if sha256 { 32 } else { 20 });
        Self { root: root.to_path_buf(), tracked, rules }
    }

    /// Whether git tracks the file, or a file below the folder.
    pub fn tracks(&self, path: &Path, is_dir: bool) -> bool {
        let Ok(relative) = path.strip_prefix(&self.root) else { return false };
        let mut wanted = relative.as_os_str().as_encoded_bytes().to_vec();
        if !is_dir {
            return self.tracked.contains(&wanted);
        }
        wanted.push(b'/');
        self.tracked.range(wanted.clone()..).next().is_some_and(|path| path.starts_with(&wanted))
    }

    /// Whether the rules for the whole tree ignore `path` (true) or keep it (false). `None` if no rule matches.
    pub fn verdict(&self, path: &Path, is_dir: bool) -> Option<bool> {
        self.rules.iter().find_map(|patterns| patterns.verdict(path, is_dir))
    }
}

/// The `.git` folder, or the folder that `.git` points to in a submodule or a linked work tree.
fn git_folder(root: &Path) -> PathBuf {
    let dot_git = root.join(".git");
    match std::fs::read_to_string(&dot_git) {
        Ok(text) => root.join(text.strip_prefix("gitdir:").unwrap_or(&text).trim()),
        Err(_) => dot_git,
    }
}

fn read_config(path: &Path) -> Vec<IniEntry> {
    std::fs::read_to_string(path).map(|text| parse_ini(&text)).unwrap_or_default()
}

fn value(settings: &[IniEntry], section: &str, key: &str) -> Option<String> {
    let found = settings.iter().rev().find(|entry| entry.section.eq_ignore_ascii_case(section) && entry.key == key);
    found.map(|entry| entry.value.clone())
}

/// The file of `core.excludesFile`. The repository's setting comes first, then the user's, then the system's, then
/// git's default.
fn excludes_file(repository: &[IniEntry]) -> Option<PathBuf> {
    let env = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = env("HOME");
    let xdg = env("XDG_CONFIG_HOME").or_else(|| home.as_ref().map(|home| home.join(".config")));
    let global = env("GIT_CONFIG_GLOBAL").map(|path| vec![path]).unwrap_or_else(|| {
        let files = [home.as_ref().map(|home| home.join(".gitconfig")), xdg.as_ref().map(|xdg| xdg.join("git/config"))];
        files.into_iter().flatten().collect()
    });
    let system =
        env("PREFIX").map(|prefix| prefix.join("etc/gitconfig")).unwrap_or_else(|| PathBuf::from("/etc/gitconfig"));
    let named = value(repository, "core", "excludesfile")
        .or_else(|| global.iter().chain([&system]).find_map(|file| value(&read_config(file), "core", "excludesfile")));
    match named {
        Some(path) => match (path.strip_prefix("~/"), home) {
            (Some(below), Some(home)) => Some(home.join(below)),
            _ => Some(PathBuf::from(path)),
        },
        None => xdg.map(|xdg| xdg.join("git/ignore")),
    }
}

//! Records of the builds that this device has begun and whose results it hasn't delivered yet. They have what `attach`
//! needs to end a build as its own command would have. Each is a file next to the configuration, which is removed when the
//! build is delivered.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use protocol::{BuildId, Installed};
use serde::{Deserialize, Serialize};

use super::KEPT;
use super::find::{is_part, matches};

/// Name of the folder next to the configuration.
const FOLDER: &str = "builds";

/// The version of the files' format.
const VERSION: u32 = 1;

/// Largest file in bytes that is read; real ones have a few KiB.
const MAX_BYTES: u64 = 1024 * 1024;

/// What is recorded of a build. Never its environment: it may hold secrets.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BuildRecord {
    /// The version of this format.
    pub version: u32,
    /// The id of the build.
    pub build: BuildId,
    /// The name of the backend in the configuration.
    pub backend: String,
    /// The command line, from the verb or the options before it; without `--env`.
    pub words: Vec<String>,
    /// The folder in which the command was typed.
    pub cwd: PathBuf,
    /// The root of the project's workspace.
    pub root: PathBuf,
    /// Cargo's target directory on this device.
    pub target_dir: PathBuf,
    /// The install root, if programs are installed.
    pub install_root: Option<PathBuf>,
    /// The targets that were chosen on the command line or elsewhere.
    pub targets: Vec<String>,
    /// The triple of this device.
    pub device: Option<String>,
    /// SHA-256 in hex of the `Cargo.lock` that was sent.
    pub lock_sha256: Option<String>,
    /// What was installed when `install` was typed; none for other commands.
    pub installed: Option<Installed>,
}

impl BuildRecord {
    /// A record of the build that this command line began. The other fields are still to be set.
    pub fn new(build: BuildId, backend: &str, words: &[OsString]) -> Self {
        Self {
            version: VERSION,
            build,
            backend: backend.to_owned(),
            words: without_environment(words),
            cwd: PathBuf::new(),
            root: PathBuf::new(),
            target_dir: PathBuf::new(),
            install_root: None,
            targets: Vec::new(),
            device: None,
            lock_sha256: None,
            installed: None,
        }
    }
}

/// The words without `--env KEY=VALUE` before `--`: values may be secrets.
fn without_environment(words: &[OsString]) -> Vec<String> {
    let mut kept = Vec::new();
    let mut words = words.iter().map(|word| word.to_string_lossy().into_owned());
    while let Some(word) = words.next() {
        if word == "--" {
            kept.push(word);
            kept.extend(words);
            break;
        } else if word == "--env" {
            words.next();
        } else if !word.starts_with("--env=") {
            kept.push(word);
        }
    }
    kept
}

/// The records of the builds that this device has begun.
#[derive(Debug, Clone)]
pub struct BuildRecords {
    folder: PathBuf,
}

impl BuildRecords {
    /// The records next to the configuration in this folder.
    pub fn beside(configuration: &Path) -> Self {
        Self { folder: configuration.join(FOLDER) }
    }

    /// Saves a record, and removes those of builds that have expired.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn save(&self, record: &BuildRecord) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let expired =
            |build: &BuildId| u128::from(record.build.unix_ms().saturating_sub(build.unix_ms())) > KEPT.as_millis();
        self.ids().iter().filter(|build| expired(build)).for_each(|build| self.remove(build));
        // A temporary file is readable for this user alone.
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(&serde_json::to_vec(record)?)?;
        file.persist(self.path(&record.build)).map(drop).map_err(|error| error.error)
    }

    /// Removes the record of a build.
    pub fn remove(&self, build: &BuildId) {
        // A record that can't be removed expires.
        let _ = fs::remove_file(self.path(build));
    }

    /// The record of the build whose id is, begins or ends with this text; `None` if there is none.
    ///
    /// # Errors
    /// If several match, or the file is malformed.
    pub fn find(&self, text: &str) -> anyhow::Result<Option<BuildRecord>> {
        if let Ok(build) = text.parse() {
            return self.load(&build);
        }
        if !is_part(text) {
            return Ok(None);
        }
        let matching: Vec<_> = self.ids().into_iter().filter(|build| matches(text, build)).collect();
        match matching.as_slice() {
            [] => Ok(None),
            [one] => self.load(one),
            many => bail!("{} builds begin or end with `{text}`; type more characters", many.len()),
        }
    }

    /// The record of the latest build: of the project with this root, and of this backend, where they are given.
    pub fn latest(&self, root: Option<&Path>, backend: Option<&str>) -> Option<BuildRecord> {
        let all = self.ids().into_iter().rev().filter_map(|build| self.load(&build).ok().flatten());
        let mut matching = all.filter(|record| {
            root.is_none_or(|root| record.root == root) && backend.is_none_or(|backend| record.backend == backend)
        });
        matching.next()
    }

    fn load(&self, build: &BuildId) -> anyhow::Result<Option<BuildRecord>> {
        let path = self.path(build);
        match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Ok(metadata) if metadata.len() > MAX_BYTES => bail!("`{}` is not the record of a build", path.display()),
            _ => {}
        }
        let json = fs::read(&path).with_context(|| format!("could not read `{}`", path.display()))?;
        let record: BuildRecord = serde_json::from_slice(&json)
            .with_context(|| format!("`{}` is not the record of a build", path.display()))?;
        if record.version > VERSION {
            bail!("`{}` was written by a newer version; update cargo-cloud", path.display());
        }
        Ok(Some(record))
    }

    /// The ids of the recorded builds, oldest first.
    fn ids(&self) -> Vec<BuildId> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut ids: Vec<BuildId> =
            entries.filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".json")?.parse().ok()).collect();
        ids.sort_unstable();
        ids
    }

    fn path(&self, build: &BuildId) -> PathBuf {
        self.folder.join(format!("{build}.json"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(ms: u64, root: &str) -> BuildRecord {
        let words = ["build", "--env", "TOKEN=hush", "--env=A=hush", "--bin", "b"].map(OsString::from);
        let id = BuildId::new(ms, [u8::try_from(ms % 251).unwrap(); 10]);
        BuildRecord { root: root.into(), ..BuildRecord::new(id, "home", &words) }
    }

    #[test]
    fn a_command_line_is_recorded_without_secrets() {
        let temp = tempfile::tempdir().unwrap();
        let records = BuildRecords::beside(temp.path());
        let saved = record(7, "/p");
        records.save(&saved).unwrap();
        let path = temp.path().join("builds").join(format!("{}.json", saved.build));
        assert!(!fs::read_to_string(path).unwrap().contains("hush"));
        let found = records.find(saved.build.as_str()).unwrap().unwrap();
        assert_eq!(found.words, ["build", "--bin", "b"]);
        records.remove(&saved.build);
        assert!(records.find(saved.build.as_str()).unwrap().is_none());
        assert!(records.find("../../etc").unwrap().is_none());
        let run = ["run", "--", "--env", "x"].map(OsString::from);
        assert_eq!(without_environment(&run), ["run", "--", "--env", "x"]);
    }

    #[test]
    fn the_latest_of_a_project_is_found_and_old_ones_go() {
        let temp = tempfile::tempdir().unwrap();
        let records = BuildRecords::beside(temp.path());
        let day = 24 * 3600 * 1000;
        for saved in [record(1, "/old"), record(10 * day, "/p"), record(10 * day + 5, "/q")] {
            records.save(&saved).unwrap();
        }
        assert_eq!(records.ids().len(), 2);
        assert_eq!(records.latest(None, None).unwrap().root, Path::new("/q"));
        assert_eq!(records.latest(Some(Path::new("/p")), Some("home")).unwrap().root, Path::new("/p"));
        assert!(records.latest(None, Some("elsewhere")).is_none());
        fs::write(temp.path().join("builds").join(format!("{}.json", record(11 * day, "").build)), "{").unwrap();
        assert_eq!(records.latest(None, None).unwrap().root, Path::new("/q"));
    }
}

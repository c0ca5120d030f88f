//! What this device noted of builds it has begun and not brought back yet: enough to end them later as the command that
//! began them would have. Beside the configuration, one file a build, gone when the build is brought back.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use protocol::{BuildId, Installed};
use serde::{Deserialize, Serialize};

use super::KEPT;
use super::find::{is_of, is_part};

/// The folder beside the configuration.
const FOLDER: &str = "builds";

const VERSION: u32 = 1;

/// A file is a few KiB; what is larger is not ours.
const MAX_BYTES: u64 = 1024 * 1024;

/// What is noted of a build. Never the build's environment: it may hold secrets.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BuildRecord {
    /// Of this form.
    pub version: u32,
    /// Which.
    pub build: BuildId,
    /// The backend, by its name in the configuration.
    pub backend: String,
    /// The command line, from the verb or the options in front of it on; without `--env`.
    pub words: Vec<String>,
    /// Where it was typed.
    pub cwd: PathBuf,
    /// The project's root.
    pub root: PathBuf,
    /// Cargo's target directory.
    pub target_dir: PathBuf,
    /// Where programs are installed, if they are.
    pub install_root: Option<PathBuf>,
    /// The targets that were named, on the command line or elsewhere.
    pub targets: Vec<String>,
    /// The device's own target.
    pub device: Option<String>,
    /// SHA-256 in hex of the `Cargo.lock` that was sent.
    pub lock_sha256: Option<String>,
    /// What was installed on the device when `install` was typed.
    pub installed: Option<Installed>,
}

impl BuildRecord {
    /// A record of the build that this command line began; where it belongs is to be filled in.
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

/// The words without `--env KEY=VALUE`, as far as `--`.
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

/// The records of this device.
#[derive(Debug, Clone)]
pub struct Records {
    folder: PathBuf,
}

impl Records {
    /// Beside the configuration in this folder.
    pub fn beside(configuration: &Path) -> Self {
        Self { folder: configuration.join(FOLDER) }
    }

    /// Notes a build, and forgets those whose results are not kept any more.
    pub fn save(&self, record: &BuildRecord) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let expired =
            |build: &BuildId| u128::from(record.build.unix_ms().saturating_sub(build.unix_ms())) > KEPT.as_millis();
        self.ids().iter().filter(|build| expired(build)).for_each(|build| self.remove(build));
        // Only this user can read a file that is made so.
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(&serde_json::to_vec(record)?)?;
        file.persist(self.path(&record.build)).map(drop).map_err(|error| error.error)
    }

    /// Forgets a build.
    pub fn remove(&self, build: &BuildId) {
        // One that can't be removed expires.
        let _ = fs::remove_file(self.path(build));
    }

    /// The record of the build with this id, or whose id begins or ends so; none if nothing was noted of it.
    pub fn find(&self, text: &str) -> anyhow::Result<Option<BuildRecord>> {
        if let Ok(build) = text.parse() {
            return self.load(&build);
        }
        if !is_part(text) {
            return Ok(None);
        }
        let fitting: Vec<_> = self.ids().into_iter().filter(|build| is_of(text, build)).collect();
        match fitting.as_slice() {
            [] => Ok(None),
            [one] => self.load(one),
            many => bail!("{} builds begin or end with `{text}`; type more of it", many.len()),
        }
    }

    /// The record of the latest build of a project, or of any; of this backend, if one is named.
    pub fn latest(&self, root: Option<&Path>, backend: Option<&str>) -> Option<BuildRecord> {
        let all = self.ids().into_iter().rev().filter_map(|build| self.load(&build).ok().flatten());
        let mut fitting = all.filter(|record| {
            root.is_none_or(|root| record.root == root) && backend.is_none_or(|backend| record.backend == backend)
        });
        fitting.next()
    }

    fn load(&self, build: &BuildId) -> anyhow::Result<Option<BuildRecord>> {
        let path = self.path(build);
        match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Ok(there) if there.len() > MAX_BYTES => bail!("`{}` is no record of a build", path.display()),
            _ => {}
        }
        let json = fs::read(&path).with_context(|| format!("could not read `{}`", path.display()))?;
        let record: BuildRecord =
            serde_json::from_slice(&json).with_context(|| format!("`{}` is no record of a build", path.display()))?;
        if record.version > VERSION {
            bail!("`{}` was written by a newer version; update cargo-cloud", path.display());
        }
        Ok(Some(record))
    }

    /// The oldest first.
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
    fn what_was_typed_reads_back_but_for_secrets() {
        let temp = tempfile::tempdir().unwrap();
        let records = Records::beside(temp.path());
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
        let records = Records::beside(temp.path());
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

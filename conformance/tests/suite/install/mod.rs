//! `install` and `uninstall`, side by side with the real cargo: the same words, exit codes, programs and records.

mod folders;
mod records;
mod refusals;
mod registry;
mod removal;
mod repositories;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use conformance::{BackendKind, Registry, Run, ScenarioBackend, ScenarioClient, ScenarioOptions};
use tempfile::TempDir;

/// Two devices with the same registry: one with cargo, one with the client alone.
struct Pair {
    registry: Registry,
    client: ScenarioClient,
    cargo: TempDir,
    backend: ScenarioBackend,
}

/// How a command ended, and what it has installed.
#[derive(Debug, PartialEq)]
struct InstallRun {
    code: Option<i32>,
    stdout: String,
    stderr: String,
    bin: BTreeMap<String, bool>,
    records: [String; 2],
}

impl Pair {
    fn new() -> Self {
        Self::with(ScenarioOptions::default())
    }

    fn with(options: ScenarioOptions) -> Self {
        let registry = Registry::start();
        let backend = ScenarioBackend::with(ScenarioOptions { cargo_config: Some(registry.cargo_config()), ..options });
        let client = ScenarioClient::of(&backend);
        let cargo = tempfile::Builder::new().prefix("device-").tempdir().expect("a home");
        let home = cargo.path().join(".cargo");
        std::fs::create_dir(&home).expect("a folder");
        std::fs::copy(registry.cargo_config(), home.join("config.toml")).expect("the configuration");
        Self { registry, client, cargo, backend }
    }

    /// The folder where cargo installs.
    fn cargo_root(&self) -> PathBuf {
        self.cargo.path().join(".cargo")
    }

    /// The folder where the client installs.
    fn root(&self) -> PathBuf {
        self.client.home().join(".cargo")
    }

    /// Runs the real cargo in a folder.
    fn cargo(&self, folder: &Path, arguments: &[&str]) -> InstallRun {
        let target = self.cargo.path().join("target");
        if arguments.contains(&"--git") {
            // In a target directory that is kept, cargo mistakes the packages of one commit for those of another.
            let _ = std::fs::remove_dir_all(&target);
        }
        let output = Command::new(env!("CARGO"))
            .args(arguments)
            .current_dir(folder)
            .env_clear()
            .envs(std::env::vars().filter(|(name, _)| matches!(name.as_str(), "RUSTUP_HOME" | "LD_LIBRARY_PATH")))
            .env("RUSTUP_HOME", rustup_home())
            .env("HOME", self.cargo.path())
            .env("LANG", "C.UTF-8")
            .env("PATH", format!("{}:/usr/bin:/bin", Path::new(env!("CARGO")).parent().expect("a folder").display()))
            .env("GIT_TERMINAL_PROMPT", "0")
            // The builder has one for each project, too.
            .env("CARGO_TARGET_DIR", target)
            .output()
            .expect("cargo starts");
        let text = |bytes: Vec<u8>| self.plain(&String::from_utf8(bytes).expect("cargo prints UTF-8"));
        self.end(output.status.code(), text(output.stdout), text(output.stderr), &self.cargo_root())
    }

    /// Runs the client in a folder.
    fn cloud(&self, folder: &Path, arguments: &[&str]) -> InstallRun {
        let Run { code, stdout, stderr, .. } = self.client.run(folder, arguments);
        self.end(code, self.plain(&stdout), self.plain(&stderr), &self.root())
    }

    /// Runs both in a folder without a project and asserts that they end alike.
    #[track_caller]
    fn both(&self, arguments: &[&str]) -> InstallRun {
        self.both_in(self.registry_folder().path(), arguments)
    }

    /// Runs both in a folder and asserts that they end alike.
    #[track_caller]
    fn both_in(&self, folder: &Path, arguments: &[&str]) -> InstallRun {
        let (cargo, cloud) = (self.cargo(folder, arguments), self.cloud(folder, arguments));
        assert_eq!(cloud, cargo, "{arguments:?}: cargo on the right; said:\n{}\n---\n{}", cloud.stderr, cargo.stderr);
        cloud
    }

    fn registry_folder(&self) -> TempDir {
        tempfile::tempdir().expect("a folder")
    }

    fn end(&self, code: Option<i32>, stdout: String, stderr: String, root: &Path) -> InstallRun {
        let entries = std::fs::read_dir(root.join("bin")).into_iter().flatten().flatten();
        let bin = entries.map(|entry| {
            let mode = std::os::unix::fs::PermissionsExt::mode(&entry.metadata().expect("a file").permissions());
            (entry.file_name().to_string_lossy().into_owned(), mode & 0o111 == 0o111)
        });
        let record = |name: &str| std::fs::read_to_string(root.join(name)).unwrap_or_default();
        InstallRun {
            code,
            stdout,
            stderr,
            bin: bin.collect(),
            records: [record(".crates.toml"), record(".crates2.json")],
        }
    }

    /// The output without the parts that always differ: homes, times, the client's own lines, and the name of the command.
    fn plain(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for home in [self.client.home(), self.cargo.path()] {
            text = text.replace(&*home.to_string_lossy(), "HOME");
        }
        let work = match self.backend.kind() {
            BackendKind::Embedded => self.backend.folder().join("data/work"),
            BackendKind::Platform(_) => PathBuf::from("/tmp/cargo-cloud"),
        };
        text = text.replace(&format!("{}/cargo-home/", work.display()), "HOME/.cargo/");
        let projects = format!("{}/projects/me/", work.display());
        while let Some(at) = text.find(&projects) {
            let key = text[at + projects.len()..].find('/').unwrap_or_default();
            text.replace_range(at..at + projects.len() + key, "HOME");
        }
        let mut plain = String::new();
        for line in text.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let on_the_way = matches!(
                words.as_slice(),
                ["Uploading", ..] | ["Packing", ..] | ["Downloaded", _, "B" | "KiB" | "MiB"]
            );
            // On a platform each machine fetches for itself.
            let fetched =
                matches!(words.as_slice(), ["Downloading" | "Downloaded", ..]) && !self.backend.is_one_machine();
            if fetched || on_the_way || words.first() == Some(&"note:") && line.contains("your device's passwords") {
                continue;
            }
            let line = match line.split_once(" target(s) in ") {
                Some((head, _)) => head,
                None => line,
            };
            let line = line.replace("cargo cloud build --no-install", "cargo build").replace("cargo cloud ", "cargo ");
            let line = line.replace("cargo-cloud", "cargo").replace("cargo +nightly cloud", "cargo +nightly");
            // Each has its own target directory.
            let line = match line.split_once("intermediate artifacts can be found at `") {
                Some((head, _)) => format!("{head}intermediate artifacts"),
                None => line,
            };
            plain += &line;
            plain.push('\n');
        }
        plain
    }
}

impl InstallRun {
    #[track_caller]
    fn exited(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    fn says(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.stderr.contains(text), "no `{text}` in:\n{}", self.stderr);
        }
        self
    }

    #[track_caller]
    fn has(self, names: &[&str]) -> Self {
        assert_eq!(self.bin.keys().collect::<Vec<_>>(), names, "{}", self.stderr);
        self
    }
}

fn rustup_home() -> PathBuf {
    let set = std::env::var_os("RUSTUP_HOME").map(PathBuf::from);
    set.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").expect("a home")).join(".rustup"))
}

//! A Rust toolchain, and the targets that it can compile for.

use std::path::{Path, PathBuf};

use crate::environment::{Environment, find_program};
use crate::supervisor::{CommandSpec, capture};

/// A Rust toolchain on the builder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Toolchain {
    /// The target triple of the machine that it runs on.
    pub host: String,
    /// What `rustc -vV` prints, as cargo records it with installed programs.
    pub rustc: String,
    /// The folder of the toolchain.
    sysroot: PathBuf,
}

impl Toolchain {
    /// Asks the `rustc` that is used with `env` in `directory`. The error is the message of rustup or rustc.
    pub async fn probe(env: &Environment, directory: &Path) -> Result<Self, String> {
        let program = find_program(env, "rustc").ok_or("there is no `rustc` beside cargo or in PATH")?;
        let ask = |args: &[&str]| {
            let spec = CommandSpec::new(&program, args, env, directory);
            async move { capture(&spec).await.map_err(|error| error.to_string())?.text() }
        };
        // One after the other: the first may make rustup install the toolchain, which two processes can't do at once.
        let version = ask(&["-vV"]).await?;
        let sysroot = ask(&["--print", "sysroot"]).await?;
        let host = version.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("`rustc -vV` printed no host")?;
        let sysroot = PathBuf::from(sysroot.trim());
        Ok(Self { host: host.to_owned(), rustc: version, sysroot })
    }

    /// The target triples whose standard library (or at least `core`) is installed now.
    pub fn targets(&self) -> Vec<String> {
        installed_targets(&self.sysroot)
    }

    /// Whether the standard library (or at least `core`) for `target` is installed now.
    pub fn has(&self, target: &str) -> bool {
        has_core(&self.sysroot.join("lib/rustlib").join(target).join("lib"))
    }

    /// Whether this process may add files to it. In a container the toolchain is read-only.
    pub fn can_be_extended(&self) -> bool {
        nix::unistd::access(&self.sysroot.join("lib/rustlib"), nix::unistd::AccessFlags::W_OK).is_ok()
    }

    /// The targets of this toolchain and of all others of the same rustup, because a project can ask for any of them.
    pub fn targets_of_all(&self) -> Vec<String> {
        let mut targets = self.targets();
        let toolchains = self.sysroot.parent().filter(|folder| folder.ends_with("toolchains"));
        for folder in toolchains.and_then(|folder| folder.read_dir().ok()).into_iter().flatten().flatten() {
            targets.extend(installed_targets(&folder.path()));
        }
        targets.sort();
        targets.dedup();
        targets
    }
}

fn installed_targets(sysroot: &Path) -> Vec<String> {
    let rustlib = sysroot.join("lib").join("rustlib");
    let Ok(folders) = rustlib.read_dir() else { return Vec::new() };
    let mut targets: Vec<String> = folders
        .flatten()
        .filter(|folder| has_core(&folder.path().join("lib")))
        .filter_map(|folder| folder.file_name().into_string().ok())
        .collect();
    targets.sort();
    targets
}

fn has_core(lib: &Path) -> bool {
    let Ok(files) = lib.read_dir() else { return false };
    files.flatten().any(|file| file.file_name().to_string_lossy().starts_with("libcore-"))
}

//! What cargo's output says about a build, gathered while the output passes through.

use cargo_metadata::{Artifact, BuildScript};

use crate::output::{CargoMessage, is_foreign_library};

/// Limit for kept artifacts and linked libraries: a build that prints forged messages must not fill the memory.
const MAX_KEPT: usize = 10_000;

/// How cargo and rustc report that one of their processes was killed.
const KILLED: [&str; 2] = ["signal: 9, SIGKILL", "signal 9 [Killed]"];

/// How cargo's own git client, git and ssh report that a repository asked for a password or a key.
const ACCESS_DENIED: [&str; 4] = [
    "failed to authenticate when downloading repository",
    "terminal prompts disabled",
    "Authentication failed for",
    "Permission denied (publickey",
];

/// The C library's message for a full disk.
const DISK_FULL: &str = "No space left on device";

/// What cargo's messages on standard output say about the build.
#[derive(Debug, Default)]
pub(crate) struct StdoutSummary {
    /// Messages about programs, and about libraries for other languages. A build can forge them.
    pub artifacts: Vec<Artifact>,
    /// Number of units that were fresh.
    pub fresh: u64,
    /// Number of units that were compiled.
    pub compiled: u64,
    /// The libraries that build scripts asked to link.
    pub linked: Vec<LinkedLibrary>,
    /// Whether `rustls-platform-verifier` was compiled or fresh.
    pub platform_verifier: bool,
    /// Whether the build succeeded, so that later output comes from what cargo runs.
    pub build_succeeded: bool,
}

/// A library that a package's build script asked to link.
#[derive(Debug)]
pub(crate) struct LinkedLibrary {
    /// Name of the build script's package.
    pub package: String,
    /// Name of the library, without `lib` before it.
    pub library: String,
}

impl StdoutSummary {
    /// Adds what one message says.
    pub fn add(&mut self, message: CargoMessage) {
        match message {
            CargoMessage::Artifact(artifact) => self.add_artifact(*artifact),
            CargoMessage::BuildScript(script) => self.add_build_script(&script),
            CargoMessage::BuildFinished { success } => self.build_succeeded = success,
            CargoMessage::Other => {}
        }
    }

    fn add_artifact(&mut self, artifact: Artifact) {
        self.platform_verifier |= artifact.target.name == "rustls_platform_verifier";
        *(if artifact.fresh { &mut self.fresh } else { &mut self.compiled }) += 1;
        let wanted = artifact.executable.is_some() || is_foreign_library(&artifact.target);
        if wanted && self.artifacts.len() < MAX_KEPT {
            self.artifacts.push(artifact);
        }
    }

    fn add_build_script(&mut self, script: &BuildScript) {
        let room = MAX_KEPT.saturating_sub(self.linked.len());
        let package = package_name(&script.package_id.repr);
        let linked =
            |library: &str| LinkedLibrary { package: package.to_owned(), library: library_name(library).into() };
        self.linked.extend(script.linked_libs.iter().take(room).map(|library| linked(library.as_str())));
    }
}

/// The package's name in a package id (doc.rust-lang.org/cargo, package id specifications).
fn package_name(id: &str) -> &str {
    let (url, fragment) = id.rsplit_once('#').unwrap_or(("", id));
    match fragment.split_once('@') {
        Some((name, _)) => name,
        // Cargo leaves the name out when the folder has the same name.
        None => url.rsplit('/').next().unwrap_or(fragment),
    }
}

/// `NAME` of `[KIND[:MODIFIERS]=]NAME[:RENAME]`, as a build script writes it.
fn library_name(library: &str) -> &str {
    let named = library.rsplit('=').next().unwrap_or(library);
    named.split(':').next().unwrap_or(named)
}

/// What cargo's lines on standard error say about the build.
#[derive(Debug, Default)]
pub(crate) struct StderrSummary {
    /// Number of finished units, fresh ones included.
    pub units_done: u64,
    /// The crates that were being compiled last, as the progress bar lists them.
    pub compiling: String,
    /// Whether a process of the build was killed.
    pub killed: bool,
    /// Whether the disk was full.
    pub disk_full: bool,
    /// Whether a repository asked for a password or a key.
    pub access_denied: bool,
}

impl StderrSummary {
    /// Adds what a piece of the build's text says. Text of a program that cargo runs must not come here.
    pub fn add_text(&mut self, text: &str) {
        self.killed |= KILLED.iter().any(|sign| text.contains(sign));
        self.access_denied |= ACCESS_DENIED.iter().any(|sign| text.contains(sign));
        self.disk_full |= text.contains(DISK_FULL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_id_contains_the_name_of_the_package() {
        assert_eq!(package_name("registry+https://x/index#foo-sys@1.2.3"), "foo-sys");
        assert_eq!(package_name("path+file:///w/source/tablet#0.1.0"), "tablet");
        assert_eq!(package_name("path+file:///w/source/app#tablet@0.1.0"), "tablet");
    }

    #[test]
    fn a_build_script_says_which_libraries_it_links() {
        let line = r#"{"reason":"build-script-executed","package_id":"registry+https://x/index#foo-sys@1.2.3",
            "linked_libs":["c++_shared","static:+whole-archive=foo"],"linked_paths":[],"cfgs":[],"env":[],"out_dir":"/o"}"#;
        let mut summary = StdoutSummary::default();
        summary.add(CargoMessage::parse(line.as_bytes()).unwrap());
        let linked: Vec<_> = summary.linked.iter().map(|it| (it.package.as_str(), it.library.as_str())).collect();
        assert_eq!(linked, [("foo-sys", "c++_shared"), ("foo-sys", "foo")]);
    }
}

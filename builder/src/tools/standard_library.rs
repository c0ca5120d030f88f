//! Standard libraries of targets: which rustup offers, and fetching one that a build asks for.

use std::path::Path;

use super::{Toolchain, Tools, select};
use crate::environment::{Environment, find_program};
use crate::stream::Reporter;
use crate::supervisor::{CommandSpec, capture};

/// Whether the standard library of a build's target is there.
pub(crate) struct StandardLibrary<'a> {
    /// The target's triple.
    pub target: &'a str,
    /// The toolchain that compiles for it.
    pub toolchain: &'a Toolchain,
    /// The build's environment, which leads rustup to that toolchain.
    pub env: &'a Environment,
    /// Where cargo runs: a `rust-toolchain.toml` there tells rustup which toolchain is meant.
    pub directory: &'a Path,
}

impl Tools {
    /// Triples that rustup offers a standard library for in the default toolchain, those that are installed among them.
    /// None without rustup, or when the toolchain is not rustup's to change.
    pub async fn offered(&self) -> Vec<String> {
        let Some(name) = self.default_name.as_deref().filter(|_| self.default.can_be_extended()) else {
            return Vec::new();
        };
        let mut env = self.base.variables().clone();
        select(&mut env, Some(name));
        let Some(rustup) = find_program(&env, "rustup") else { return Vec::new() };
        let spec = CommandSpec::new(&rustup, ["target", "list"], &env, Path::new("/"));
        match capture(&spec).await.map_err(|error| error.to_string()).and_then(|captured| captured.text()) {
            Ok(list) => list.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect(),
            Err(error) => {
                tracing::debug!(%error, "rustup lists no targets");
                Vec::new()
            }
        }
    }

    /// Has rustup fetch a standard library that isn't installed. One at a time: rustup breaks off when another of its
    /// processes downloads the same file.
    ///
    /// # Errors
    /// A message for the person who asked for the build.
    pub async fn fetch(&self, library: &StandardLibrary<'_>, reporter: &Reporter) -> Result<(), String> {
        let StandardLibrary { target, toolchain, env, directory } = *library;
        let said =
            |why: &str| format!("this backend has no standard library for `{target}`, and can't fetch it: {why}");
        if self.default_name.is_none() {
            return Err(said("it has no rustup. Install Rust with rustup (https://rustup.rs) on its machine"));
        }
        let rustup = find_program(env, "rustup").ok_or_else(|| said("its rustup is gone"))?;
        let _alone = self.installing.lock().await;
        if toolchain.has(target) {
            return Ok(());
        }
        reporter.status(protocol::Status::FetchingTarget { target: target.to_owned() }).await;
        let spec = CommandSpec::new(&rustup, ["target", "add", target], env, directory);
        let answer = capture(&spec).await.map_err(|error| said(&error.to_string()))?.text();
        // Another backend, or a person, may have fetched it at the same moment: then rustup complains of the other.
        match answer {
            Err(why) if !toolchain.has(target) => Err(said(&complaint(&why))),
            _ => Ok(()),
        }
    }
}

/// The errors among what rustup prints, without its progress.
fn complaint(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("info:"));
    let kept: Vec<_> = lines.map(|line| line.trim_start_matches("error: ")).collect();
    if kept.is_empty() { "rustup says nothing".to_owned() } else { kept.join("; ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_rustup_prints_the_errors_are_told() {
        let text =
            "info: downloading component 'rust-std'\nerror: could not download file\n\nCaused by:\n    no route\n";
        assert_eq!(complaint(text), "could not download file; Caused by:; no route");
        assert_eq!(complaint("info: x\n"), "rustup says nothing");
    }
}

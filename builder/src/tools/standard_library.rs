//! Standard libraries of targets: lists those that rustup offers, and fetches one that a build asks for.

use std::path::Path;

use super::{Toolchain, Tools, select};
use crate::environment::{Environment, find_program};
use crate::stream::Reporter;
use crate::supervisor::{CommandSpec, capture};

/// The standard library for a target of a build, in one toolchain.
pub(crate) struct StandardLibrary<'a> {
    /// The triple of the target.
    pub target: &'a str,
    /// The toolchain that compiles for the target.
    pub toolchain: &'a Toolchain,
    /// The build's environment, in which rustup uses that toolchain.
    pub env: &'a Environment,
    /// The folder that cargo runs in: rustup reads the `rust-toolchain.toml` there.
    pub directory: &'a Path,
}

impl Tools {
    /// The target triples for which rustup offers a standard library of the default toolchain, installed ones included. Empty
    /// without rustup, or when the toolchain can't be changed.
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
                tracing::debug!(%error, "rustup could not list its targets");
                Vec::new()
            }
        }
    }

    /// Makes rustup fetch a standard library that isn't installed. One build at a time, because rustup fails when another of
    /// its processes downloads the same file.
    ///
    /// # Errors
    /// A message for the sender of the build.
    pub async fn fetch(&self, library: &StandardLibrary<'_>, reporter: &Reporter) -> Result<(), String> {
        let StandardLibrary { target, toolchain, env, directory } = *library;
        let failed =
            |why: &str| format!("this backend has no standard library for `{target}`, and can't fetch it: {why}");
        if self.default_name.is_none() {
            return Err(failed("it has no rustup. Install Rust with rustup (https://rustup.rs) on its machine"));
        }
        let rustup = find_program(env, "rustup").ok_or_else(|| failed("rustup can't be found any more"))?;
        let _alone = self.installing.lock().await;
        if toolchain.has(target) {
            return Ok(());
        }
        reporter.status(protocol::Status::FetchingTarget { target: target.to_owned() }).await;
        let spec = CommandSpec::new(&rustup, ["target", "add", target], env, directory);
        let answer = capture(&spec).await.map_err(|error| failed(&error.to_string()))?.text();
        // Somebody else may have fetched it at the same moment, and then rustup reports an error.
        match answer {
            Err(why) if !toolchain.has(target) => Err(failed(&complaint(&why))),
            _ => Ok(()),
        }
    }
}

/// The errors in rustup's output, without its progress.
fn complaint(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("info:"));
    let kept: Vec<_> = lines.map(|line| line.trim_start_matches("error: ")).collect();
    if kept.is_empty() { "rustup printed no reason".to_owned() } else { kept.join("; ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_errors_of_rustups_output_are_kept() {
        let text =
            "info: downloading component 'rust-std'\nerror: could not download file\n\nCaused by:\n    no route\n";
        assert_eq!(complaint(text), "could not download file; Caused by:; no route");
        assert_eq!(complaint("info: x\n"), "rustup printed no reason");
    }
}

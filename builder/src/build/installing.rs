//! What `cargo install` needs beside a build.

use std::path::PathBuf;

use protocol::{Request, Stream};

use super::fault::disk;
use super::{Build, Fault, Prepared};
use crate::cargo::CargoRun;
use crate::environment::Environment;
use crate::install;
use crate::members;
use crate::project::Project;

impl Build<'_> {
    /// Cargo's home, which all builds share.
    pub(super) fn cargo_home(&self) -> PathBuf {
        self.engine.config.work.join("cargo-home")
    }

    /// Where cargo runs: what is installed from elsewhere has no folder of its own.
    pub(super) fn directory(&self, request: &Request, project: &Project) -> Result<PathBuf, Fault> {
        if !request.has_source() {
            return Ok(self.cargo_home());
        }
        let folder = &request.details.directory;
        let directory = project.source.join(folder);
        if !directory.join("Cargo.toml").is_file() {
            let place = if folder.is_empty() { "its top folder" } else { folder };
            return Err(Fault::Refused(format!("the source has no Cargo.toml in {place}; send it with cargo-cloud")));
        }
        Ok(directory)
    }

    /// Makes the install root, and what leads to it. Returns the folder that tells cargo-ndk of a package.
    pub(super) fn prepare_install(
        &self,
        request: &Request,
        project: &Project,
        env: &mut Environment,
    ) -> Result<Option<PathBuf>, Fault> {
        let Some(wanted) = &request.details.install else { return Ok(None) };
        install::seed(project, &wanted.installed).map_err(|error| disk("make the install root", &error))?;
        // In a further attempt they may be what the one before had time for.
        if wanted.git.is_some() && self.attempt.number == 1 {
            members::forget(&project.target).map_err(|error| disk("prepare the project's folder", &error))?;
        }
        install::environment(env, request, project, &self.cargo_home());
        if request.has_source() {
            return Ok(None);
        }
        let package = install::stand_in_package(project);
        package.map(Some).map_err(|error| disk("prepare the project's folder", &error))
    }

    /// Says what to do where a repository wants a password or a key.
    pub(super) async fn explain_denial(&self, prepared: &Prepared, run: &CargoRun) {
        let options = &prepared.request.options;
        if !run.told.denied || options.quiet {
            return;
        }
        let head = if options.color { "\u{1b}[1m\u{1b}[96mnote\u{1b}[0m:" } else { "note:" };
        let advice = if prepared.request.has_source() {
            "put a copy of the repository into the project, and name it by `path`"
        } else {
            "clone the repository there, and install it with `cargo cloud install --path`"
        };
        let said = format!("{head} the builder has none of your device's passwords, keys and tokens: {advice}\n");
        self.reporter.text(Stream::Stderr, said).await;
    }
}

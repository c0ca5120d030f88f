//! What `cargo install` needs in addition to a build.

use std::path::PathBuf;

use protocol::{Request, Stream};

use super::error::disk_error;
use super::{AttemptError, AttemptRun, Prepared};
use crate::cargo::CargoRun;
use crate::environment::Environment;
use crate::fingerprints;
use crate::install_root;
use crate::project::ProjectFolder;

impl AttemptRun<'_> {
    /// `CARGO_HOME`, which all builds share.
    pub(super) fn cargo_home(&self) -> PathBuf {
        self.engine.config.work.join("cargo-home")
    }

    /// The folder of the package to build. An installation from elsewhere has no source, so it gets cargo's home.
    pub(super) fn package_folder(&self, request: &Request, project: &ProjectFolder) -> Result<PathBuf, AttemptError> {
        if !request.has_source() {
            return Ok(self.cargo_home());
        }
        let folder = &request.details.directory;
        let directory = project.source.join(folder);
        if !directory.join("Cargo.toml").is_file() {
            let place = if folder.is_empty() { "its top folder" } else { folder };
            return Err(AttemptError::Refused(format!(
                "the source has no Cargo.toml in {place}; send it with cargo-cloud"
            )));
        }
        Ok(directory)
    }

    /// Prepares the install root and the environment of an installation; does nothing for other commands. Returns the
    /// folder of a stand-in package, where cargo-ndk needs one.
    pub(super) fn prepare_install(
        &self,
        request: &Request,
        project: &ProjectFolder,
        env: &mut Environment,
    ) -> Result<Option<PathBuf>, AttemptError> {
        let Some(install) = &request.details.install else { return Ok(None) };
        install_root::create(project, &install.installed)
            .map_err(|error| disk_error("create the install root", &error))?;
        // In a later attempt these may be what the attempt before it compiled.
        if install.git.is_some() && self.attempt.number == 1 {
            fingerprints::invalidate_members(&project.target)
                .map_err(|error| disk_error("prepare the project's folder", &error))?;
        }
        install_root::extend_environment(env, request, project, &self.cargo_home());
        if request.has_source() {
            return Ok(None);
        }
        let package = install_root::stand_in_package(project);
        package.map(Some).map_err(|error| disk_error("prepare the project's folder", &error))
    }

    /// Prints what to do when a repository asked for a password or a key.
    pub(super) async fn explain_denied_access(&self, prepared: &Prepared, run: &CargoRun) {
        let options = &prepared.request.options;
        if !run.stderr.access_denied || options.quiet {
            return;
        }
        let head = if options.color { "\u{1b}[1m\u{1b}[96mnote\u{1b}[0m:" } else { "note:" };
        let advice = if prepared.request.has_source() {
            "copy the repository into the project and depend on it by `path`"
        } else {
            "clone the repository on your device and install it with `cargo cloud install --path`"
        };
        let note = format!("{head} the builder has none of your device's passwords, keys and tokens: {advice}\n");
        self.reporter.text(Stream::Stderr, note).await;
    }
}

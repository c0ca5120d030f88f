//! What was built, brought back: fetched, checked, and put where it belongs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use protocol::limits::MAX_ARTIFACT_BYTES;
use protocol::{ArtifactFile, ArtifactInfo, FileKind, Request};

use super::plan::Place;
use crate::args::BuildArgs;
use crate::install::{
    Artifact, Detail, InstallRoot, Installation, Provenance, Staged, below, check_executable, left, single_name,
    write_back,
};
use crate::interrupt::Interrupt;
use crate::project::normalize;
use crate::storage::{Storage, StorageError};
use crate::terminal::{Shell, bytes};

/// As cargo marks its target directory, for those who make backups, and for our own packing.
const CACHE_TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55
# This file is a cache directory tag created by cargo.
# For information about cache directory tags see https://bford.info/cachedir/
";

/// Where executables go.
pub enum Destination {
    /// `bin` of a root, with cargo's bookkeeping.
    Install(InstallRoot),
    /// Where cargo would leave them.
    TargetDir(PathBuf),
}

/// The last part of a build.
pub struct Completion<'a> {
    /// The terminal.
    pub shell: &'a Shell,
    /// Ctrl-C.
    pub interrupt: &'a Interrupt,
    /// The backend.
    pub storage: &'a Storage,
    /// The project.
    pub place: &'a Place,
    /// What was asked for.
    pub request: &'a Request,
    /// How.
    pub args: &'a BuildArgs,
}

/// An executable of the artifact.
struct Program<'a> {
    file: &'a ArtifactFile,
    name: &'a str,
    kind: &'a str,
    package: Provenance,
    triple: &'a str,
}

impl Completion<'_> {
    /// Brings the artifact back. `succeeded`: the build did; a failed one may still have made a `Cargo.lock`.
    pub fn run(&self, key: &str, info: &ArtifactInfo, to: &Destination, succeeded: bool) -> anyhow::Result<()> {
        if let Destination::TargetDir(folder) = to
            && succeeded
            && let Some(places) = left::is_there(folder, &self.name_of(info))
        {
            places.iter().for_each(|place| self.shell.status("Unchanged", self.shown(place)));
            return Ok(());
        }
        let mut artifact = self.fetch(key, info, to)?;
        let manifest = artifact.manifest().clone();
        self.lockfile(&mut artifact, &manifest.files)?;
        if !succeeded {
            return Ok(());
        }
        let programs = self.programs(&manifest.files, &manifest.host)?;
        match to {
            Destination::Install(root) => self.install(&mut artifact, &programs, root, &manifest.rustc),
            Destination::TargetDir(folder) => {
                let places = self.leave(&mut artifact, &programs, folder)?;
                // A lock file may have to be brought back again, though the artifact is the same.
                if manifest.files.iter().all(|file| file.kind != FileKind::Lock)
                    && let Err(error) = left::record(folder, &self.name_of(info), &places)
                {
                    self.shell.warn(format!("could not note in `{}` what is there: {error}", folder.display()));
                }
                Ok(())
            }
        }
    }

    /// The artifact, and by which of the two layouts it is unpacked.
    fn name_of(&self, info: &ArtifactInfo) -> String {
        let layout = if self.request.options.target.is_empty() { "host" } else { "target" };
        format!("{} {layout}", info.sha256)
    }

    fn shown(&self, place: &Path) -> String {
        place.strip_prefix(&self.place.cwd).unwrap_or(place).display().to_string()
    }

    /// Into a file without a name, on the disk where it is unpacked: never whole in memory, and gone with this process.
    fn fetch(&self, key: &str, info: &ArtifactInfo, to: &Destination) -> anyhow::Result<Artifact> {
        if info.size > MAX_ARTIFACT_BYTES {
            bail!("the artifact is {}, the limit is {}", bytes(info.size), bytes(MAX_ARTIFACT_BYTES));
        }
        let folder = match to {
            Destination::Install(root) => root.bin(),
            Destination::TargetDir(folder) => folder.clone(),
        };
        let made = !folder.exists();
        let file = std::fs::create_dir_all(&folder)
            .and_then(|()| match to {
                Destination::TargetDir(_) if made => std::fs::write(folder.join("CACHEDIR.TAG"), CACHE_TAG),
                _ => Ok(()),
            })
            .and_then(|()| tempfile::tempfile_in(&folder))
            .with_context(|| format!("could not write into `{}`", folder.display()))?;
        let progress = |done| {
            self.shell.transfer("Downloading", done, info.size);
            !self.interrupt.requested()
        };
        let outcome = self.storage.download(key, info, &file, progress);
        self.shell.clear();
        outcome?;
        self.shell.status("Downloaded", bytes(info.size));
        Artifact::open(file)
    }

    fn lockfile(&self, artifact: &mut Artifact, files: &[ArtifactFile]) -> anyhow::Result<()> {
        let Some(file) = files.iter().find(|file| file.kind == FileKind::Lock) else { return Ok(()) };
        let root = &self.place.project.root;
        if !write_back(artifact, file, root, self.request.details.lock_sha256.as_deref())? {
            self.shell.warn(format!(
                "`{}` changed while the build ran, so the builder's is not put in its place",
                root.join("Cargo.lock").display()
            ));
        }
        Ok(())
    }

    fn programs<'a>(&self, files: &'a [ArtifactFile], host: &'a str) -> anyhow::Result<Vec<Program<'a>>> {
        let wanted: Vec<&str> = self.request.targets().collect();
        let mut programs = Vec::new();
        for file in files {
            let FileKind::Executable { name, target_kind, package, target } = &file.kind else { continue };
            let triple = target.as_deref().unwrap_or(host);
            if !wanted.contains(&triple) {
                let wanted = wanted.join(", ");
                bail!("the backend built `{name}` for {triple}; asked for was {wanted}; nothing was installed");
            }
            let folder = normalize(&self.place.project.top.join(&package.directory));
            let package = Provenance {
                name: package.name.clone(),
                version: package.version.clone(),
                folder: folder.display().to_string(),
            };
            programs.push(Program { file, name, kind: target_kind, package, triple });
        }
        Ok(programs)
    }

    fn stage(&self, artifact: &mut Artifact, program: &Program, place: PathBuf) -> anyhow::Result<Staged> {
        let mut staged = Staged::new(place)?;
        artifact.unpack(program.file, staged.file())?;
        if let Err(why) = check_executable(staged.file(), program.triple) {
            bail!(
                "the backend sent `{}`, which can't be for {}: {why}; nothing was installed",
                program.name,
                program.triple
            );
        }
        if self.interrupt.requested() {
            return Err(StorageError::Interrupted.into());
        }
        Ok(staged)
    }

    fn install(
        &self,
        artifact: &mut Artifact,
        programs: &[Program],
        root: &InstallRoot,
        rustc: &str,
    ) -> anyhow::Result<()> {
        let options = &self.request.options;
        let examples = options.examples || !options.example.is_empty();
        let chosen: Vec<&Program> = programs
            .iter()
            .filter(|program| program.kind == "bin" || (examples && program.kind == "example"))
            .collect();
        if chosen.is_empty() {
            self.shell.note("there is nothing to install: the build made no binaries");
            return Ok(());
        }
        let named = !options.package.is_empty() || !options.bin.is_empty() || !options.example.is_empty();
        if !named && chosen.windows(2).any(|pair| pair[0].package != pair[1].package) {
            let list: Vec<_> =
                chosen.iter().map(|program| format!("  {} of {}", program.name, program.package.name)).collect();
            bail!(
                "several packages have binaries; choose one with -p PACKAGE or --bin NAME:\n{}\n\
                 (everything is built already, so that is quick)",
                list.join("\n")
            );
        }
        if chosen.windows(2).any(|pair| pair[0].triple != pair[1].triple) {
            bail!("programs for several targets can't be installed into one folder; use one --target, or --no-install");
        }
        let mut staged: BTreeMap<&Provenance, BTreeMap<String, Staged>> = BTreeMap::new();
        for program in &chosen {
            let name = file_name(&program.file.path)?;
            let file = self.stage(artifact, program, root.bin().join(name))?;
            if staged.entry(&program.package).or_default().insert(name.to_owned(), file).is_some() {
                bail!("the artifact holds `{name}` twice");
            }
        }
        let mut installation = Installation::begin(self.shell, root)?;
        for (package, files) in &staged {
            installation.check(package, &files.keys().cloned().collect::<Vec<_>>(), self.args.force)?;
        }
        let detail = Detail {
            features: options.features.clone(),
            all_features: options.all_features,
            no_default_features: options.no_default_features,
            profile: self.args.profile_name(),
            target: chosen.first().map(|program| program.triple.to_owned()).unwrap_or_default(),
            rustc: rustc.to_owned(),
        };
        for (package, files) in staged {
            installation.install(package, files, &detail)?;
        }
        if let Some(warning) = root.path_warning(std::env::var_os("PATH").as_deref()) {
            self.shell.warn(warning);
        }
        Ok(())
    }

    /// As cargo on this device would: below the triple only if a target was named.
    fn leave(&self, artifact: &mut Artifact, programs: &[Program], folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
        let named = !self.request.options.target.is_empty();
        let mut staged = Vec::new();
        for program in programs {
            let path = &program.file.path;
            let path = if named { path } else { path.strip_prefix(&format!("{}/", program.triple)).unwrap_or(path) };
            let place = below(folder, path);
            staged.push(self.stage(artifact, program, place)?);
        }
        let mut places = Vec::new();
        for file in staged {
            let place = file.place.clone();
            file.commit(0o755)?;
            self.shell.status("Created", self.shown(&place));
            places.push(place);
        }
        Ok(places)
    }
}

/// The file's own name; of a program for another system with its ending (`.exe`).
fn file_name(path: &str) -> anyhow::Result<&str> {
    let name = path.rsplit('/').next().unwrap_or(path);
    if !single_name(name) || name.starts_with('.') {
        bail!("the artifact holds a program with the name `{}`", name.escape_debug());
    }
    Ok(name)
}

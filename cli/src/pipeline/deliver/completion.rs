//! What was built, brought back: fetched, checked, and put where it belongs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use protocol::{ArtifactFile, ArtifactInfo, CargoOptions, Command, FileKind, Request};

use super::fetch;
use crate::install::{
    Artifact, Detail, InstallRoot, Installation, Provenance, Staged, below, check_executable, left, single_name,
    write_back,
};
use crate::pipeline::Session;
use crate::pipeline::plan::Workspace;
use crate::project::normalize;
use crate::storage::StorageError;
use crate::terminal::Shell;

/// As cargo marks its target directory, for those who make backups, and for our own packing.
const CACHE_TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55
# This file is a cache directory tag created by cargo.
# For information about cache directory tags see https://bford.info/cachedir/
";

/// Where what was built goes.
pub enum Destination {
    /// Executables into `bin` of a root, with cargo's bookkeeping; all else into the target directory.
    Install {
        /// The root.
        root: InstallRoot,
        /// Whether binaries of other packages are overwritten.
        force: bool,
        /// Where cargo would build.
        target_dir: PathBuf,
        /// `--artifact-dir`.
        artifact_dir: Option<PathBuf>,
    },
    /// Where cargo would leave them.
    TargetDir {
        /// The target directory.
        folder: PathBuf,
        /// `--artifact-dir`.
        artifact_dir: Option<PathBuf>,
    },
}

impl Destination {
    fn target_dir(&self) -> &Path {
        let (Destination::Install { target_dir: folder, .. } | Destination::TargetDir { folder, .. }) = self;
        folder
    }

    fn artifact_dir(&self) -> Option<&Path> {
        let (Destination::Install { artifact_dir, .. } | Destination::TargetDir { artifact_dir, .. }) = self;
        artifact_dir.as_deref()
    }
}

/// The last part of a build.
pub struct Completion<'a> {
    /// The backend.
    pub session: &'a Session<'a>,
    /// The project.
    pub place: &'a Workspace,
    /// What was asked for.
    pub request: &'a Request,
    /// Where to.
    pub destination: &'a Destination,
}

/// What was put where.
#[derive(Debug, Default)]
pub struct Delivered {
    /// Whether this device is to run the programs.
    pub run_on_device: bool,
    /// Executables in the target directory.
    pub programs: Vec<LeftProgram>,
}

/// An executable in the target directory.
#[derive(Debug)]
pub struct LeftProgram {
    /// Where it lies.
    pub place: PathBuf,
    /// What the artifact says of it.
    pub file: ArtifactFile,
}

/// An executable of the artifact.
struct Program<'a> {
    file: &'a ArtifactFile,
    name: &'a str,
    kind: &'a str,
    package: Provenance,
    triple: &'a str,
}

/// More files than this are counted, not listed.
const LISTED: usize = 20;

impl Completion<'_> {
    /// Brings the artifact back. `succeeded`: the build did; a failed one may still have made a `Cargo.lock`.
    pub fn run(&self, key: &str, info: &ArtifactInfo, succeeded: bool) -> anyhow::Result<Delivered> {
        let shell = self.session.shell;
        let folder = self.destination.target_dir();
        // Programs that are to be run here are named by the artifact only.
        let known = matches!(self.destination, Destination::TargetDir { artifact_dir: None, .. })
            && !self.request.command.executes();
        if known
            && succeeded
            && let Some(places) = left::is_there(folder, &self.name_of(info))
        {
            self.tell("Unchanged", &places);
            return Ok(Delivered::default());
        }
        let mut artifact = self.fetch(key, info)?;
        let manifest = artifact.manifest().clone();
        self.lockfile(&mut artifact, &manifest.files)?;
        if !succeeded {
            return Ok(Delivered::default());
        }
        let programs = self.programs(&manifest.files, &manifest.host)?;
        self.copy_to_artifact_dir(&mut artifact, &manifest.files)?;
        let files = self.leave_files(&mut artifact, &manifest.files)?;
        if self.request.command == Command::Build {
            self.tell("Created", &files);
        }
        let mut delivered = Delivered { run_on_device: manifest.run_on_device, programs: Vec::new() };
        match self.destination {
            Destination::Install { root, force, .. } => {
                self.install(&mut artifact, &programs, root, *force, &manifest.rustc)?;
            }
            Destination::TargetDir { .. } => {
                delivered.programs = self.leave(&mut artifact, &programs)?;
                let mut places: Vec<PathBuf> = delivered.programs.iter().map(|program| program.place.clone()).collect();
                // What is run, or listed, is named then.
                if !self.request.command.executes() {
                    self.tell("Created", &places);
                }
                places.extend(files);
                // A lock file may have to be brought back again, though the artifact is the same.
                if known
                    && manifest.files.iter().all(|file| file.kind != FileKind::Lock)
                    && let Err(error) = left::record(folder, &self.name_of(info), &places)
                {
                    shell.warn(format!("could not note in `{}` what is there: {error}", folder.display()));
                }
            }
        }
        Ok(delivered)
    }

    /// The artifact, and by which of the two layouts it is unpacked.
    fn name_of(&self, info: &ArtifactInfo) -> String {
        let layout = if self.request.options.target.is_empty() { "host" } else { "target" };
        format!("{} {layout}", info.sha256)
    }

    /// Whether nothing else can come back.
    fn only_lock_file(&self) -> bool {
        let looks = matches!(self.request.command, Command::Check | Command::Clippy | Command::Fmt);
        looks && !self.request.options.timings
    }

    fn tell(&self, word: &str, places: &[PathBuf]) {
        let shell = self.session.shell;
        if places.len() > LISTED {
            shell.status(word, format!("{} files in {}", places.len(), self.shown(self.destination.target_dir())));
        } else {
            places.iter().for_each(|place| shell.status(word, self.shown(place)));
        }
    }

    fn shown(&self, place: &Path) -> String {
        place.strip_prefix(&self.place.cwd).unwrap_or(place).display().to_string()
    }

    fn fetch(&self, key: &str, info: &ArtifactInfo) -> anyhow::Result<Artifact> {
        let folder = match self.destination {
            Destination::Install { root, .. } => root.bin(),
            // What is only looked at leaves no target directory behind.
            _ if self.only_lock_file() => self.place.project.root.clone(),
            Destination::TargetDir { folder, .. } => {
                std::fs::create_dir_all(folder)
                    .and_then(|()| mark_as_cache(folder))
                    .with_context(|| format!("could not write into `{}`", folder.display()))?;
                folder.clone()
            }
        };
        fetch(self.session, key, info, &folder)
    }

    fn lockfile(&self, artifact: &mut Artifact, files: &[ArtifactFile]) -> anyhow::Result<()> {
        let Some(file) = files.iter().find(|file| file.kind == FileKind::Lock) else { return Ok(()) };
        let root = &self.place.project.root;
        if !write_back(artifact, file, root, self.request.details.lock_sha256.as_deref())? {
            self.session.shell.warn(format!(
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
            let FileKind::Executable { name, target_kind, package, target, .. } = &file.kind else { continue };
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
        if self.session.interrupt.requested() {
            return Err(StorageError::Interrupted.into());
        }
        Ok(staged)
    }

    fn install(
        &self,
        artifact: &mut Artifact,
        programs: &[Program],
        root: &InstallRoot,
        force: bool,
        rustc: &str,
    ) -> anyhow::Result<()> {
        let shell = self.session.shell;
        let options = &self.request.options;
        let examples = options.examples || !options.example.is_empty();
        let chosen: Vec<&Program> = programs
            .iter()
            .filter(|program| program.kind == "bin" || (examples && program.kind == "example"))
            .collect();
        if chosen.is_empty() {
            nothing_to_install(shell);
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
        let mut installation = Installation::begin(shell, root)?;
        for (package, files) in &staged {
            installation.check(&package.name, &files.keys().cloned().collect::<Vec<_>>(), force)?;
        }
        let detail = Detail {
            features: options.features.clone(),
            all_features: options.all_features,
            no_default_features: options.no_default_features,
            profile: profile_name(options),
            target: chosen.first().map(|program| program.triple.to_owned()),
            rustc: Some(rustc.to_owned()),
        };
        for (package, files) in staged {
            installation.install(package, files, &detail)?;
        }
        if let Some(warning) = root.path_warning(std::env::var_os("PATH").as_deref()) {
            shell.warn(warning);
        }
        Ok(())
    }

    /// Where a file of the artifact goes: as cargo on this device would have it, below the triple only if a target was
    /// named.
    fn place_of(&self, path: &str) -> PathBuf {
        let device = self.request.details.device.as_deref().filter(|_| self.request.options.target.is_empty());
        let path = device.and_then(|triple| path.strip_prefix(triple)?.strip_prefix('/')).unwrap_or(path);
        below(self.destination.target_dir(), path)
    }

    fn leave(&self, artifact: &mut Artifact, programs: &[Program]) -> anyhow::Result<Vec<LeftProgram>> {
        let mut staged = Vec::new();
        for program in programs {
            let place = self.place_of(&program.file.path);
            staged.push((self.stage(artifact, program, place)?, program.file));
        }
        let mut left = Vec::new();
        for (staged, file) in staged {
            let place = staged.place.clone();
            staged.commit(0o755)?;
            left.push(LeftProgram { place, file: file.clone() });
        }
        Ok(left)
    }

    /// Libraries, documentation, timings.
    fn leave_files(&self, artifact: &mut Artifact, files: &[ArtifactFile]) -> anyhow::Result<Vec<PathBuf>> {
        let files: Vec<_> = files.iter().filter(|file| file.kind == FileKind::File).collect();
        if !files.is_empty() {
            let folder = self.destination.target_dir();
            std::fs::create_dir_all(folder)
                .and_then(|()| mark_as_cache(folder))
                .with_context(|| format!("could not write into `{}`", folder.display()))?;
        }
        let places = files.iter().map(|file| (*file, self.place_of(&file.path)));
        self.unpack(artifact, places.collect())
    }

    fn copy_to_artifact_dir(&self, artifact: &mut Artifact, files: &[ArtifactFile]) -> anyhow::Result<()> {
        let Some(folder) = self.destination.artifact_dir() else { return Ok(()) };
        let files = files.iter().filter(|file| file.kind == FileKind::ArtifactDir);
        let places = files.map(|file| Ok((file, folder.join(file_name(&file.path)?))));
        let placed = self.unpack(artifact, places.collect::<anyhow::Result<_>>()?)?;
        self.tell("Created", &placed);
        Ok(())
    }

    fn unpack(&self, artifact: &mut Artifact, files: Vec<(&ArtifactFile, PathBuf)>) -> anyhow::Result<Vec<PathBuf>> {
        let mut places = Vec::new();
        for (file, place) in files {
            if self.session.interrupt.requested() {
                return Err(StorageError::Interrupted.into());
            }
            let mut staged = Staged::new(place.clone())?;
            artifact.unpack(file, staged.file())?;
            let program = file.kind == FileKind::ArtifactDir;
            staged.put(if program { 0o755 } else { 0o644 })?;
            places.push(place);
        }
        Ok(places)
    }
}

/// Says so, where a build made no programs.
pub fn nothing_to_install(shell: &Shell) {
    shell.note("there is nothing to install: the build made no binaries; `--no-install` brings libraries back");
}

/// As cargo marks its target directory, unless it is marked.
fn mark_as_cache(folder: &Path) -> std::io::Result<()> {
    let tag = folder.join("CACHEDIR.TAG");
    if tag.exists() { Ok(()) } else { std::fs::write(tag, CACHE_TAG) }
}

/// The profile that these flags of an installation choose.
fn profile_name(options: &CargoOptions) -> String {
    options.profile.clone().unwrap_or_else(|| if options.release { "release" } else { "dev" }.to_owned())
}

/// The file's own name; of a program for another system with its ending (`.exe`).
pub fn file_name(path: &str) -> anyhow::Result<&str> {
    let name = path.rsplit('/').next().unwrap_or(path);
    if !single_name(name) || name.starts_with('.') {
        bail!("the artifact holds a program with the name `{}`", name.escape_debug());
    }
    Ok(name)
}

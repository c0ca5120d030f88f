//! `cargo cloud install`: only the request goes up, unless a folder of this device is installed.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use protocol::limits::PROTOCOL_VERSION;
use protocol::{
    BuildId, BuildResult, CargoOptions, Command, Details, FileKind, InstallRequest, ProjectKey, Request, SOURCE_URL,
    file_url, keys, move_source,
};
use toml::Table;

use super::fetching::fetch;
use super::plan::{Place, Targets};
use super::session::Session;
use super::{detached, environment, sending, uninstall};
use crate::args::{InstallArgs, ProjectArgs, Typed};
use crate::builds::{BuildRecord, Records as BuildRecords};
use crate::config::config_folder;
use crate::follow::{DevicePaths, Subject};
use crate::install::{
    Arrived, Artifact, InstallRoot, Installation, Records, Seed, Staged, below, check_executable, single_name,
    take_over,
};
use crate::interrupt::{self, Interrupt};
use crate::project::{CargoConfig, forwarded_toolchain, install_key, normalize, project_key};
use crate::storage::StorageError;
use crate::terminal::Shell;

/// Larger than any record: a hundred packages have 50 KB.
const MAX_RECORD_BYTES: u64 = 16 * 1024 * 1024;

/// What decides where to install, and what else cargo's configuration says.
struct Surroundings {
    cwd: PathBuf,
    cargo_home: Option<PathBuf>,
    config: CargoConfig,
    /// `--config`, as tables.
    arguments: Vec<Table>,
}

/// What is asked of the builder, and what of the device belongs to it.
struct Order {
    project: ProjectKey,
    targets: Targets,
    options: CargoOptions,
    details: Details,
    /// The project that is sent.
    place: Option<Place>,
    /// Where a timing report goes.
    target_dir: PathBuf,
}

/// Installs what is asked for. Returns the exit code.
pub fn install(shell: &Shell, interrupt: &Interrupt, typed: &Typed, args: &InstallArgs) -> anyhow::Result<u8> {
    let cwd = std::env::current_dir().context("the current folder is gone")?;
    let surroundings = Surroundings::read(cwd, typed, args)?;
    let root = surroundings.root(args)?;
    if args.list {
        return uninstall::list(shell, &root);
    }
    args.check()?;
    let path = surroundings.path(shell, args)?;
    let order = match &path {
        Some(folder) => surroundings.of_folder(shell, typed, args, folder)?,
        None => surroundings.of_elsewhere(shell, typed, args)?,
    };
    let session = Session::open(shell, interrupt, typed.cli.common.backend.as_deref())?;
    order.targets.refuse_unknown(&session.backend)?;
    root.check_writable()?;
    for (file, keys) in surroundings.config.left_behind() {
        shell.note(format!("`{}` is not the project's, so the builder doesn't heed it ({keys})", file.display()));
    }

    let seed = Seed::read(&Installation::begin(shell, &root)?);
    let request = order.request(args, path.is_some(), &seed)?;
    let build = match &order.place {
        Some(place) => sending::send_project(&session, place, &request, false)?,
        None => sending::send_request(&session, &request)?,
    };
    let work = Installing { order, root, seed, request, timings: args.timings };
    let records = BuildRecords::beside(&config_folder()?);
    let noted = records.save(&work.record(&session, &build, &surroundings.cwd, &typed.words));
    if args.detach {
        return detached::tell(&session, &build, noted);
    }
    let done = match session.follow(work.subject(&session, &build)) {
        Some(result) => work.finish(&session, &result),
        None => Ok(interrupt::EXIT_CODE),
    };
    records.remove(&build);
    done
}

/// An installation that was sent.
pub struct Installing {
    order: Order,
    root: InstallRoot,
    seed: Seed,
    request: Request,
    timings: bool,
}

impl Installing {
    /// The one that a command line began earlier.
    ///
    /// # Errors
    /// When the folder that is installed can't be read any more.
    pub fn again(shell: &Shell, record: &BuildRecord, typed: &Typed, args: &InstallArgs) -> anyhow::Result<Self> {
        let surroundings = Surroundings::read(record.cwd.clone(), typed, args)?;
        let path = surroundings.path(shell, args)?;
        let mut order = match &path {
            Some(folder) => surroundings.of_folder(shell, typed, args, folder)?,
            None => surroundings.of_elsewhere(shell, typed, args)?,
        };
        order.targets = Targets { named: record.targets.clone(), device: record.device.clone() };
        order.options.target.clone_from(&record.targets);
        order.target_dir.clone_from(&record.target_dir);
        let root = record.install_root.clone().context("it was noted without a place to install into")?;
        let seed = Seed::from_request(record.installed.as_ref().context("it was noted without what was installed")?)?;
        let request = order.request(args, path.is_some(), &seed)?;
        Ok(Self { order, root: InstallRoot::chosen(root), seed, request, timings: args.timings })
    }

    /// How it is followed.
    pub fn subject(&self, session: &Session, build: &BuildId) -> Subject {
        Subject {
            paths: DevicePaths {
                source: self.order.place.as_ref().map(|place| place.project.top.clone()),
                target: (self.order.place.is_some() || self.timings).then(|| self.order.target_dir.clone()),
                root: Some(self.root.folder().to_path_buf()),
                cwd: None,
            },
            json: self.request.options.message_format.iter().any(|format| format.starts_with("json")),
            ..session.subject(build)
        }
    }

    /// Puts the programs in their places. Returns the exit code.
    pub fn finish(&self, session: &Session, result: &BuildResult) -> anyhow::Result<u8> {
        if let Some(info) = &result.artifact {
            let key = keys::artifact(&session.backend.owner, &result.id);
            let install = self.request.details.install.as_ref();
            let mut artifact = fetch(session, &key, info, &self.root.bin())?;
            Delivery {
                session,
                wanted: self.request.targets().map(str::to_owned).collect(),
                no_track: install.is_some_and(|install| install.no_track),
                force: install.is_some_and(|install| install.force),
                root: &self.root,
                seed: &self.seed,
                target_dir: Some(&self.order.target_dir),
                top: self.order.place.as_ref().map(|place| place.project.top.to_string_lossy().into_owned()),
            }
            .take(&mut artifact)?;
        }
        Ok(result.client_exit_code())
    }

    fn record(&self, session: &Session, build: &BuildId, cwd: &Path, words: &[OsString]) -> BuildRecord {
        BuildRecord {
            cwd: cwd.to_owned(),
            root: self.order.place.as_ref().map(|place| place.project.root.clone()).unwrap_or_default(),
            target_dir: self.order.target_dir.clone(),
            install_root: Some(self.root.folder().to_owned()),
            targets: self.request.options.target.clone(),
            device: self.request.details.device.clone(),
            installed: Some(self.seed.to_request()),
            ..BuildRecord::new(build.clone(), &session.backend.name, words)
        }
    }
}

impl Surroundings {
    /// Cargo's configuration as `cargo install` finds it: that of the user, or of the folder that is installed.
    fn read(cwd: PathBuf, typed: &Typed, args: &InstallArgs) -> anyhow::Result<Self> {
        let cargo_home = crate::environment::cargo_home(&cwd);
        let config = match &args.path {
            Some(path) => {
                let folder = normalize(&cwd.join(path));
                CargoConfig::read(&folder, &folder, cargo_home.as_deref())?
            }
            None => CargoConfig::of_home(cargo_home.as_deref())?,
        };
        let mut arguments = Vec::new();
        for argument in typed.cli.common.config.iter().filter(|_| args.path.is_none()) {
            let table = argument.parse().with_context(|| {
                format!("`--config {argument}` is not of the form KEY=VALUE with a TOML value, and a file isn't sent")
            })?;
            arguments.push(table);
        }
        Ok(Self { cwd, cargo_home, config, arguments })
    }

    fn root(&self, args: &InstallArgs) -> anyhow::Result<InstallRoot> {
        let argument = self.arguments.iter().rev().find_map(|table| table.get("install")?.get("root")?.as_str());
        InstallRoot::choose(
            args.root.as_deref(),
            &self.cwd,
            crate::environment::path,
            argument.map(PathBuf::from).or_else(|| self.config.install_root()),
            self.cargo_home.as_deref(),
        )
    }

    /// The folder that is to be installed; none: something from elsewhere is.
    fn path(&self, shell: &Shell, args: &InstallArgs) -> anyhow::Result<Option<PathBuf>> {
        let cwd = &self.cwd;
        if args.names_nothing() {
            let Ok(text) = std::fs::read_to_string(cwd.join("Cargo.toml")) else {
                bail!(
                    "`{}` is not a crate root; specify a crate to install from crates.io, or use --path or --git to specify \
                     an alternate source",
                    cwd.display()
                );
            };
            let manifest: Table = text.parse().context("could not parse `Cargo.toml`")?;
            let edition = manifest.get("package").map(|package| package.get("edition"));
            if !matches!(edition, Some(None)) && edition.flatten().and_then(|edition| edition.as_str()) != Some("2015")
            {
                bail!(
                    "using `cargo cloud install` to install the binaries from the package in current working directory is no \
                     longer supported, use `cargo cloud install --path .` instead. note: use `cargo cloud build --no-install` \
                     if you want to simply build the package."
                );
            }
            shell.warn(
                "using `cargo cloud install` to install the binaries from the package in current working directory is \
                 deprecated, use `cargo cloud install --path .` instead. note: use `cargo cloud build --no-install` if you \
                 want to simply build the package.",
            );
            return Ok(Some(cwd.clone()));
        }
        let Some(path) = &args.path else { return Ok(None) };
        let folder = normalize(&cwd.join(path));
        let must = "--path must point to a directory containing a Cargo.toml file.";
        if !folder.is_dir() {
            bail!("`{}` is not a directory. {must}", folder.display());
        }
        if !folder.join("Cargo.toml").exists() {
            let near = folder.join("cargo.toml").exists();
            let near = if near { ", but found cargo.toml please try to rename it to Cargo.toml" } else { "" };
            bail!("`{}` does not contain a Cargo.toml file{near}. {must}", folder.display());
        }
        Ok(Some(folder))
    }

    fn of_folder(&self, shell: &Shell, typed: &Typed, args: &InstallArgs, folder: &Path) -> anyhow::Result<Order> {
        let project =
            ProjectArgs { manifest_path: Some(folder.join("Cargo.toml")), target_dir: args.target_dir.clone() };
        let place = Place::find_from(self.cwd.clone(), &typed.cli.common.config, &project)?;
        let targets = place.targets(&args.target)?;
        let project = &place.project;
        let options = place.cargo_options(shell, typed, &args.options(), &targets);
        let details = Details {
            root: project.inside(&project.root)?,
            directory: project.inside(&project.directory)?,
            toolchain: place.toolchain(typed),
            ..Details::default()
        };
        Ok(Order {
            project: project_key(&project.name, &project.root, &config_folder()?)?,
            targets,
            options,
            details,
            target_dir: place.target_dir.clone(),
            place: Some(place),
        })
    }

    fn of_elsewhere(&self, shell: &Shell, typed: &Typed, args: &InstallArgs) -> anyhow::Result<Order> {
        let common = &typed.cli.common;
        let targets = Targets::choose(&args.target, &self.arguments, &self.config)?;
        let mut config = common.config.clone();
        config.extend(args.registry.as_ref().and_then(|name| self.registry(name)));
        let variable = crate::environment::variable("RUSTUP_TOOLCHAIN").filter(|_| typed.by_cargo);
        let home = crate::environment::rustup_home();
        let toolchain =
            forwarded_toolchain(typed.toolchain.as_deref(), variable.as_deref(), &self.cwd, home.as_deref());
        let named = args.target_dir.clone().or_else(|| crate::environment::path("CARGO_TARGET_DIR"));
        let options = CargoOptions {
            target: targets.named.clone(),
            config,
            verbose: common.verbose,
            quiet: common.quiet,
            color: shell.color(),
            ..args.options()
        };
        Ok(Order {
            project: key_of(&args.request(), &args.names())?,
            targets,
            options,
            details: Details { toolchain, ..Details::default() },
            place: None,
            target_dir: self.cwd.join(named.unwrap_or_else(|| PathBuf::from("target"))),
        })
    }

    /// A registry that the device's configuration names, for the builder, which knows its own only.
    fn registry(&self, name: &str) -> Option<String> {
        let of = |table: &Table| Some(table.get("registries")?.get(name)?.get("index")?.as_str()?.to_owned());
        let index = self.config.layers.iter().find_map(|layer| of(&layer.table))?;
        Some(format!("registries.{name}.index={}", toml_writer::ToTomlValue::to_toml_value(index.as_str())))
    }
}

impl Order {
    fn request(&self, args: &InstallArgs, path: bool, seed: &Seed) -> anyhow::Result<Request> {
        let mut installed = seed.to_request();
        if let Some(place) = &self.place {
            let top = file_url(&place.project.top.to_string_lossy());
            for text in [&mut installed.crates_toml, &mut installed.crates2_json] {
                *text = move_source(text, &top, SOURCE_URL);
            }
        }
        let install = InstallRequest { path, installed, ..args.request() };
        install.check()?;
        Ok(Request {
            protocol: PROTOCOL_VERSION,
            client: env!("CARGO_PKG_VERSION").to_owned(),
            command: Command::Install,
            project: self.project.clone(),
            options: self.options.clone(),
            details: Details {
                device: self.targets.device.clone(),
                env: environment::of_build(&args.env)?,
                install: Some(install),
                ..self.details.clone()
            },
        })
    }
}

/// All devices of an owner share a folder for the same crates, or the same repository.
fn key_of(install: &InstallRequest, names: &[&str]) -> anyhow::Result<ProjectKey> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    if let Some(url) = &install.git {
        let url = url.trim_end_matches('/').trim_end_matches(".git");
        return install_key(url.rsplit('/').next().unwrap_or(url), &["git", url]);
    }
    let mut sorted = names.to_vec();
    sorted.sort_unstable();
    let (index, registry) = (text(&install.index), text(&install.registry));
    let mut what = vec!["registry", index.as_str(), registry.as_str()];
    what.extend(&sorted);
    install_key(names.first().copied().unwrap_or_default(), &what)
}

/// The last part of an installation.
pub struct Delivery<'a> {
    /// The backend.
    pub session: &'a Session<'a>,
    /// Triples that programs may be for.
    pub wanted: Vec<String>,
    /// `--no-track`.
    pub no_track: bool,
    /// `--force`.
    pub force: bool,
    /// Where to.
    pub root: &'a InstallRoot,
    /// What was installed there as far as the builder knew.
    pub seed: &'a Seed,
    /// Where reports go; none: nowhere.
    pub target_dir: Option<&'a Path>,
    /// The folder of what was sent.
    pub top: Option<String>,
}

impl Delivery<'_> {
    /// Takes what is in the artifact.
    pub fn take(&self, artifact: &mut Artifact) -> anyhow::Result<()> {
        self.leave_reports(artifact)?;
        let arrived = self.programs(artifact)?;
        if arrived.is_empty() {
            return Ok(());
        }
        let record = self.record(artifact)?;
        if record.is_none() && !self.no_track {
            bail!("the builder sent programs without a record of them; nothing was installed");
        }
        let installation = Installation::begin(self.session.shell, self.root)?;
        take_over(installation, self.seed, arrived, record.as_ref(), self.force)
    }

    fn leave_reports(&self, artifact: &mut Artifact) -> anyhow::Result<()> {
        let Some(target_dir) = self.target_dir else { return Ok(()) };
        for file in artifact.manifest().files.clone() {
            if file.kind == FileKind::File {
                let mut staged = Staged::new(below(target_dir, &file.path))?;
                artifact.unpack(&file, staged.file())?;
                staged.put(0o644)?;
            }
        }
        Ok(())
    }

    fn programs(&self, artifact: &mut Artifact) -> anyhow::Result<Vec<Arrived>> {
        let manifest = artifact.manifest().clone();
        let mut arrived: Vec<Arrived> = Vec::new();
        for file in &manifest.files {
            let FileKind::Executable { name, package, target, .. } = &file.kind else { continue };
            let triple = target.as_deref().unwrap_or(&manifest.host);
            if !self.wanted.iter().any(|wanted| wanted == triple) {
                bail!(
                    "the backend built `{name}` for {triple}; asked for was {}; nothing was installed",
                    self.wanted.join(", ")
                );
            }
            if !single_name(name) || name.starts_with('.') || arrived.iter().any(|known| known.name == *name) {
                bail!("the artifact holds a program with the name `{}`", name.escape_debug());
            }
            let mut staged = Staged::new(self.root.bin().join(name))?;
            artifact.unpack(file, staged.file())?;
            if let Err(why) = check_executable(staged.file(), triple) {
                bail!("the backend sent `{name}`, which can't be for {triple}: {why}; nothing was installed");
            }
            if self.session.interrupt.requested() {
                return Err(StorageError::Interrupted.into());
            }
            arrived.push(Arrived { name: name.clone(), package: package.name.clone(), file: staged });
        }
        Ok(arrived)
    }

    /// Cargo's record, with the device's folders.
    fn record(&self, artifact: &mut Artifact) -> anyhow::Result<Option<Records>> {
        let file = artifact.manifest().files.iter().find(|file| file.kind == FileKind::Installed).cloned();
        let Some(file) = file else { return Ok(None) };
        if file.size > MAX_RECORD_BYTES {
            bail!("the builder's record of what is installed has {} bytes, which none has", file.size);
        }
        let mut text = Vec::new();
        artifact.unpack(&file, &mut text)?;
        let text = String::from_utf8(text).context("the builder's record of what is installed is not UTF-8")?;
        let text = match &self.top {
            Some(top) => move_source(&text, SOURCE_URL, &file_url(top)),
            None => text,
        };
        Ok(Some(Records::parse_details(&text)?))
    }
}

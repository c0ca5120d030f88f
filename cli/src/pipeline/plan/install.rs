//! What an installation asks of the builder, and what on the device decides it.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use protocol::limits::PROTOCOL_VERSION;
use protocol::{
    CargoOptions, Command, Details, InstallRequest, ProjectKey, Request, SOURCE_URL, file_url, move_source,
};
use toml::Table;

use super::Workspace;
use super::variables;
use crate::args::{InstallArgs, Invocation, ProjectArgs};
use crate::config::config_folder;
use crate::install::{InstallRoot, InstalledSnapshot};
use crate::pipeline::Targets;
use crate::project::{CargoConfig, forwarded_toolchain, install_key, normalize, project_key};
use crate::terminal::Shell;

/// What decides where to install, and what else cargo's configuration says.
pub struct Surroundings {
    /// The folder where the command was typed.
    pub cwd: PathBuf,
    cargo_home: Option<PathBuf>,
    /// Cargo's, as files of the device have it.
    pub config: CargoConfig,
    /// `--config`, as tables.
    arguments: Vec<Table>,
}

/// What is asked of the builder, and what of the device belongs to it.
pub struct InstallPlan {
    project: ProjectKey,
    /// Triples, and the device's own.
    pub targets: Targets,
    /// Cargo's flags.
    pub options: CargoOptions,
    details: Details,
    /// The project that is sent.
    pub place: Option<Workspace>,
    /// Where a timing report goes.
    pub target_dir: PathBuf,
}

impl Surroundings {
    /// Cargo's configuration as `cargo install` finds it: that of the user, or of the folder that is installed.
    pub fn read(cwd: PathBuf, typed: &Invocation, args: &InstallArgs) -> anyhow::Result<Self> {
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

    /// Where programs are installed.
    pub fn root(&self, args: &InstallArgs) -> anyhow::Result<InstallRoot> {
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

    /// What is asked, of the folder or of the crates that are named.
    ///
    /// # Errors
    /// When the folder or the command line can't be understood; nothing was sent then.
    pub fn order(&self, shell: &Shell, typed: &Invocation, args: &InstallArgs) -> anyhow::Result<InstallPlan> {
        match self.path(shell, args)? {
            Some(folder) => self.of_folder(shell, typed, args, &folder),
            None => self.of_elsewhere(shell, typed, args),
        }
    }

    fn of_folder(
        &self,
        shell: &Shell,
        typed: &Invocation,
        args: &InstallArgs,
        folder: &Path,
    ) -> anyhow::Result<InstallPlan> {
        let project =
            ProjectArgs { manifest_path: Some(folder.join("Cargo.toml")), target_dir: args.target_dir.clone() };
        let place = Workspace::find_from(self.cwd.clone(), &typed.cli.common.config, &project)?;
        let targets = place.targets(&args.target)?;
        let project = &place.project;
        let options = place.cargo_options(shell, typed, (&args.options(), &targets), &project.directory)?;
        let details = Details {
            root: project.inside(&project.root)?,
            directory: project.inside(&project.directory)?,
            toolchain: place.toolchain(typed),
            ..Details::default()
        };
        Ok(InstallPlan {
            project: project_key(&project.name, &project.root, &config_folder()?)?,
            targets,
            options,
            details,
            target_dir: place.target_dir.clone(),
            place: Some(place),
        })
    }

    fn of_elsewhere(&self, shell: &Shell, typed: &Invocation, args: &InstallArgs) -> anyhow::Result<InstallPlan> {
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
        Ok(InstallPlan {
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

impl InstallPlan {
    /// The request, with what is installed already.
    pub fn request(&self, args: &InstallArgs, seed: &InstalledSnapshot) -> anyhow::Result<Request> {
        let mut installed = seed.to_request();
        if let Some(place) = &self.place {
            let top = file_url(&place.project.top.to_string_lossy());
            for text in [&mut installed.crates_toml, &mut installed.crates2_json] {
                *text = move_source(text, &top, SOURCE_URL);
            }
        }
        let install = InstallRequest { path: self.place.is_some(), installed, ..args.request() };
        install.check()?;
        Ok(Request {
            protocol: PROTOCOL_VERSION,
            client: env!("CARGO_PKG_VERSION").to_owned(),
            command: Command::Install,
            project: self.project.clone(),
            options: self.options.clone(),
            details: Details {
                device: self.targets.device.clone(),
                env: variables::of_build(&args.env, args.platform)?,
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

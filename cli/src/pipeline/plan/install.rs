//! Plans the job of `install`: crates of a registry or a repository, or a folder of this device.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use protocol::{CargoOptions, Command, Details, InstallRequest, ProjectKey, Request};
use toml::Table;

use super::super::job::{BuildJob, InstallPlacement, Placement};
use super::super::targets::BuildTargets;
use super::variables::build_variables;
use super::workspace::ignored_config;
use super::{Workspace, new_request};
use crate::args::{InstallArgs, Invocation, ProjectArgs};
use crate::environment;
use crate::install::InstallRoot;
use crate::project::{CargoConfig, forwarded_toolchain, install_key, normalize};
use crate::terminal::Shell;

/// What `--path` wants, in cargo's words.
const PATH_ADVICE: &str = "--path must point to a directory containing a Cargo.toml file.";

/// What an installation finds on this device: the current folder and cargo's configuration.
pub struct InstallContext {
    cwd: PathBuf,
    cargo_home: Option<PathBuf>,
    config: CargoConfig,
    /// The values of `--config` as tables; a later one overrides an earlier one.
    config_tables: Vec<Table>,
}

impl InstallContext {
    /// Reads cargo's configuration as `cargo install` does: the user's, or that of the folder to install. `cwd` is the
    /// folder in which the command was typed.
    ///
    /// # Errors
    /// If the configuration or a value of `--config` is malformed.
    pub fn read(cwd: PathBuf, invocation: &Invocation, args: &InstallArgs) -> anyhow::Result<Self> {
        let cargo_home = environment::cargo_home(&cwd);
        let config = match &args.path {
            Some(path) => {
                let folder = normalize(&cwd.join(path));
                CargoConfig::read(&folder, &folder, cargo_home.as_deref())?
            }
            None => CargoConfig::of_home(cargo_home.as_deref())?,
        };
        let mut config_tables = Vec::new();
        for argument in invocation.cli.common.config.iter().filter(|_| args.path.is_none()) {
            let table = argument.parse().with_context(|| {
                format!("`--config {argument}` must have the form KEY=VALUE with a TOML value; `install` sends no file")
            })?;
            config_tables.push(table);
        }
        Ok(Self { cwd, cargo_home, config, config_tables })
    }

    /// The folder into which programs are installed.
    ///
    /// # Errors
    /// If neither a flag nor the environment names one.
    pub fn root(&self, args: &InstallArgs) -> anyhow::Result<InstallRoot> {
        let argument = self.config_tables.iter().rev().find_map(|table| table.get("install")?.get("root")?.as_str());
        InstallRoot::choose(
            args.root.as_deref(),
            &self.cwd,
            environment::path,
            argument.map(PathBuf::from).or_else(|| self.config.install_root()),
            self.cargo_home.as_deref(),
        )
    }

    /// The job of an `install` command.
    ///
    /// # Errors
    /// If the flags contradict each other, or the folder to install can't be read. Nothing is sent or written yet.
    pub fn job(&self, shell: &Shell, invocation: &Invocation, args: &InstallArgs) -> anyhow::Result<BuildJob> {
        let (request, workspace) = match self.folder(shell, args)? {
            Some(folder) => {
                let (request, workspace) = self.folder_request(shell, invocation, args, &folder)?;
                (request, Some(workspace))
            }
            None => (self.crates_request(shell, invocation, args)?, None),
        };
        let target_dir = match &workspace {
            Some(workspace) => workspace.target_dir.clone(),
            None => {
                let chosen = args.target_dir.clone().or_else(|| environment::path("CARGO_TARGET_DIR"));
                self.cwd.join(chosen.unwrap_or_else(|| PathBuf::from("target")))
            }
        };
        let install = Some(InstallPlacement { root: self.root(args)?, force: args.force });
        Ok(BuildJob {
            request,
            cwd: self.cwd.clone(),
            notes: ignored_config(&self.config),
            workspace,
            placement: Placement { target_dir, artifact_dir: None, install },
            snapshot: None,
            with_git: false,
            open_documentation: false,
        })
    }

    /// The folder to install; `None` if crates from elsewhere are installed.
    fn folder(&self, shell: &Shell, args: &InstallArgs) -> anyhow::Result<Option<PathBuf>> {
        if args.names_nothing() {
            self.check_current_folder(shell)?;
            return Ok(Some(self.cwd.clone()));
        }
        let Some(path) = &args.path else { return Ok(None) };
        let folder = normalize(&self.cwd.join(path));
        if !folder.is_dir() {
            bail!("`{}` is not a directory. {PATH_ADVICE}", folder.display());
        }
        if !folder.join("Cargo.toml").exists() {
            let similar = folder.join("cargo.toml").exists();
            let similar = if similar { ", but found cargo.toml please try to rename it to Cargo.toml" } else { "" };
            bail!("`{}` does not contain a Cargo.toml file{similar}. {PATH_ADVICE}", folder.display());
        }
        Ok(Some(folder))
    }

    /// `install` without arguments installs the current folder only for edition 2015, as cargo has it.
    fn check_current_folder(&self, shell: &Shell) -> anyhow::Result<()> {
        let Ok(text) = std::fs::read_to_string(self.cwd.join("Cargo.toml")) else {
            bail!(
                "`{}` is not a crate root; specify a crate to install from crates.io, or use --path or --git to specify \
                 an alternate source",
                self.cwd.display()
            );
        };
        let manifest: Table = text.parse().context("could not parse `Cargo.toml`")?;
        let edition = manifest.get("package").map(|package| package.get("edition"));
        if !matches!(edition, Some(None)) && edition.flatten().and_then(|edition| edition.as_str()) != Some("2015") {
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
        Ok(())
    }

    fn folder_request(
        &self,
        shell: &Shell,
        invocation: &Invocation,
        args: &InstallArgs,
        folder: &Path,
    ) -> anyhow::Result<(Request, Workspace)> {
        let project =
            ProjectArgs { manifest_path: Some(folder.join("Cargo.toml")), target_dir: args.target_dir.clone() };
        let common = &invocation.cli.common;
        let workspace = Workspace::find_from(self.cwd.clone(), &common.config, &project)?;
        let targets = workspace.targets(&args.target)?;
        let project = &workspace.project;
        let options = CargoOptions {
            target: targets.chosen,
            color: shell.color(),
            ..workspace.cargo_options(&args.options(), common, &project.directory)?
        };
        let details = Details {
            root: project.inside(&project.root)?,
            directory: project.inside(&project.directory)?,
            device: targets.device,
            toolchain: workspace.toolchain(invocation),
            env: build_variables(&args.env, args.platform)?,
            install: Some(InstallRequest { path: true, ..args.request() }),
            ..Details::default()
        };
        Ok((new_request(Command::Install, workspace.key()?, options, details), workspace))
    }

    fn crates_request(&self, shell: &Shell, invocation: &Invocation, args: &InstallArgs) -> anyhow::Result<Request> {
        let common = &invocation.cli.common;
        let targets = BuildTargets::choose(&args.target, &self.config_tables, &self.config)?;
        let mut config = common.config.clone();
        config.extend(args.registry.as_ref().and_then(|name| self.registry_config(name)));
        let variable = environment::variable("RUSTUP_TOOLCHAIN").filter(|_| invocation.by_cargo);
        let home = environment::rustup_home();
        let toolchain =
            forwarded_toolchain(invocation.toolchain.as_deref(), variable.as_deref(), &self.cwd, home.as_deref());
        let options = CargoOptions {
            target: targets.chosen,
            config,
            verbose: common.verbose,
            quiet: common.quiet,
            color: shell.color(),
            ..args.options()
        };
        let install = InstallRequest { path: false, ..args.request() };
        install.check()?;
        let project = crates_key(&install, &args.names())?;
        let env = build_variables(&args.env, args.platform)?;
        let details = Details { device: targets.device, toolchain, env, install: Some(install), ..Details::default() };
        Ok(new_request(Command::Install, project, options, details))
    }

    /// The index of a registry that the device's configuration names, as a value of `--config` for the builder, which
    /// doesn't have that configuration.
    fn registry_config(&self, name: &str) -> Option<String> {
        let index = |table: &Table| Some(table.get("registries")?.get(name)?.get("index")?.as_str()?.to_owned());
        let index = self.config.layers.iter().find_map(|layer| index(&layer.table))?;
        Some(format!("registries.{name}.index={}", toml_writer::ToTomlValue::to_toml_value(index.as_str())))
    }
}

/// The key of the folder on the backend for these crates, or this repository. It is the same on all devices of an owner.
fn crates_key(install: &InstallRequest, names: &[&str]) -> anyhow::Result<ProjectKey> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    if let Some(url) = &install.git {
        let url = url.trim_end_matches('/').trim_end_matches(".git");
        return install_key(url.rsplit('/').next().unwrap_or(url), &["git", url]);
    }
    let mut sorted = names.to_vec();
    sorted.sort_unstable();
    let (index, registry) = (text(&install.index), text(&install.registry));
    let mut parts = vec!["registry", index.as_str(), registry.as_str()];
    parts.extend(&sorted);
    install_key(names.first().copied().unwrap_or_default(), &parts)
}

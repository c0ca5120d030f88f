//! The project on this device, with what cargo's configuration says about building it.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use protocol::{BuildSummary, CargoOptions, ProjectKey};
use toml::Table;

use super::super::targets::BuildTargets;
use crate::args::{CommonArgs, Invocation, ProjectArgs};
use crate::config::config_folder;
use crate::follow::DevicePaths;
use crate::project::{CargoConfig, DeviceProject, normalize, project_key, relative};
use crate::{environment, project};

/// A project as a command line finds it.
pub struct Workspace {
    /// The folder in which the command was typed.
    pub cwd: PathBuf,
    /// The user's `CARGO_HOME`, else `~/.cargo`.
    pub cargo_home: Option<PathBuf>,
    /// The project: its folders, its manifests and its cargo configuration.
    pub project: DeviceProject,
    /// The values of `--config` as tables; a later one overrides an earlier one.
    config_tables: Vec<Table>,
    /// The values of `--config` for the builder.
    forwarded_config: Vec<ForwardedConfig>,
    /// Cargo's target directory on this device.
    pub target_dir: PathBuf,
}

/// A value of `--config` for the builder.
#[derive(Debug, PartialEq, Eq)]
enum ForwardedConfig {
    /// `KEY=VALUE`, passed on as it is.
    Value(String),
    /// A configuration file that is sent with the source.
    File(PathBuf),
}

impl Workspace {
    /// Finds the project of the current folder and reads cargo's configuration.
    ///
    /// # Errors
    /// If there is no project, or it can't be read.
    pub fn find(common: &CommonArgs, args: &ProjectArgs) -> anyhow::Result<Self> {
        let cwd = std::env::current_dir().context("the current folder is gone")?;
        Self::find_from(cwd, &common.config, args)
    }

    /// Finds the project as if the command had been typed in `cwd`, with these values of `--config`.
    ///
    /// # Errors
    /// If there is no project, or it or a value of `--config` can't be read.
    pub fn find_from(cwd: PathBuf, config: &[String], args: &ProjectArgs) -> anyhow::Result<Self> {
        let cargo_home = environment::cargo_home(&cwd);
        let project = DeviceProject::find(&cwd, args.manifest_path.as_deref(), cargo_home.as_deref())?;
        let (config_tables, forwarded_config) = config_arguments(config, &cwd, &project)?;
        let target_dir = target_dir(args, environment::path, &cwd, &config_tables, &project);
        Ok(Self { cwd, cargo_home, project, config_tables, forwarded_config, target_dir })
    }

    /// The key of the project's folder and cache on the backend.
    ///
    /// # Errors
    /// If the configuration's folder, which has the device's id, is unknown.
    pub fn key(&self) -> anyhow::Result<ProjectKey> {
        project_key(&self.project.name, &self.project.root, &config_folder()?)
    }

    /// The targets to build for; `flag` are the values of `--target`.
    ///
    /// # Errors
    /// If a target can't be sent, or none is given and this device has none.
    pub fn targets(&self, flag: &[String]) -> anyhow::Result<BuildTargets> {
        BuildTargets::choose(flag, &self.config_tables, &self.project.config)
    }

    /// Cargo's flags for a cargo that the builder starts in `folder`: `flags` with the options that every verb has.
    /// Target and colour are still to be set.
    ///
    /// # Errors
    /// If the path of a file is not UTF-8.
    pub fn cargo_options(
        &self,
        flags: &CargoOptions,
        common: &CommonArgs,
        folder: &Path,
    ) -> anyhow::Result<CargoOptions> {
        let config = self.forwarded_config.iter().map(|argument| match argument {
            ForwardedConfig::Value(text) => Ok(text.clone()),
            ForwardedConfig::File(path) => {
                relative(folder, path).to_str().map(str::to_owned).context("a path is not UTF-8")
            }
        });
        Ok(CargoOptions {
            config: config.collect::<anyhow::Result<_>>()?,
            verbose: common.verbose,
            quiet: common.quiet,
            ..flags.clone()
        })
    }

    /// The folder in which the builder starts cargo: the current one if it is sent, else the package's.
    pub fn working_directory(&self) -> &Path {
        let sent = self.project.folders.iter().any(|folder| self.cwd.starts_with(folder));
        if sent { &self.cwd } else { &self.project.directory }
    }

    /// The toolchain that the builder is asked for, if the user chose one.
    pub fn toolchain(&self, invocation: &Invocation) -> Option<String> {
        let variable = environment::variable("RUSTUP_TOOLCHAIN").filter(|_| invocation.by_cargo);
        let home = environment::rustup_home();
        project::forwarded_toolchain(
            invocation.toolchain.as_deref(),
            variable.as_deref(),
            &self.project.directory,
            home.as_deref(),
        )
    }

    /// A line for each file of cargo's configuration that a build on this device would obey and the builder's doesn't.
    pub fn ignored_config(&self) -> Vec<String> {
        ignored_config(&self.project.config)
    }

    /// The device's folders, to be named in what a build of this project prints.
    pub fn device_paths(&self) -> DevicePaths {
        DevicePaths {
            source: Some(self.project.top.clone()),
            target: Some(self.target_dir.clone()),
            root: None,
            cwd: Some(self.cwd.clone()),
        }
    }
}

/// A line for each file of cargo's configuration outside of the project that has settings for builds.
pub fn ignored_config(config: &CargoConfig) -> Vec<String> {
    let line = |(file, keys): (PathBuf, String)| {
        format!("`{}` is outside of the project, so the builder ignores it ({keys})", file.display())
    };
    config.left_behind().into_iter().map(line).collect()
}

/// The folders of the project in the current folder, if `build` is one of it; else none, and paths stay the builder's.
pub fn paths_of_current_project(invocation: &Invocation, build: Option<&BuildSummary>) -> DevicePaths {
    let paths = || {
        let workspace = Workspace::find(&invocation.cli.common, &ProjectArgs::default()).ok()?;
        (workspace.key().ok()?.as_str() == build?.project).then(|| workspace.device_paths())
    };
    paths().unwrap_or_default()
}

/// The values of `--config` as tables, and what the builder gets of them.
fn config_arguments(
    list: &[String],
    cwd: &Path,
    project: &DeviceProject,
) -> anyhow::Result<(Vec<Table>, Vec<ForwardedConfig>)> {
    let (mut tables, mut forwarded) = (Vec::new(), Vec::new());
    for argument in list {
        let path = normalize(&cwd.join(argument));
        if path.is_file() {
            if !project.folders.iter().any(|folder| path.starts_with(folder)) {
                bail!(
                    "the file of `--config {argument}` is outside of the project, so it isn't sent; write its values as `--config KEY=VALUE`"
                );
            }
            let text =
                std::fs::read_to_string(&path).with_context(|| format!("could not read `{}`", path.display()))?;
            tables.push(text.parse().with_context(|| format!("could not parse `{}`", path.display()))?);
            forwarded.push(ForwardedConfig::File(path));
        } else {
            let table = argument.parse::<Table>().map_err(|error| {
                let what = "failed to parse value from --config argument";
                project::caused(format!("{what} `{argument}` as a dotted key expression"), &[&error])
            })?;
            tables.push(table);
            forwarded.push(ForwardedConfig::Value(argument.clone()));
        }
    }
    Ok((tables, forwarded))
}

/// Cargo's target directory, chosen in cargo's order: flag, environment, configuration, `target` in the root.
fn target_dir(
    args: &ProjectArgs,
    env: impl Fn(&str) -> Option<PathBuf>,
    cwd: &Path,
    arguments: &[Table],
    project: &DeviceProject,
) -> PathBuf {
    let argument = || {
        let path = arguments.iter().rev().find_map(|table| table.get("build")?.get("target-dir")?.as_str());
        path.map(PathBuf::from)
    };
    let chosen = args
        .target_dir
        .clone()
        .or_else(|| env("CARGO_TARGET_DIR"))
        .or_else(argument)
        .or_else(|| env("CARGO_BUILD_TARGET_DIR"))
        .or_else(|| project.config.target_dir());
    match chosen {
        Some(path) => normalize(&cwd.join(path)),
        None => project.root.join("target"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn config_arguments_are_tables_or_files_of_the_project() {
        let temp = tempfile::tempdir().unwrap();
        let top = temp.path().canonicalize().unwrap();
        let root = top.join("p");
        std::fs::create_dir_all(root.join("sub")).unwrap();
        std::fs::write(root.join("Cargo.toml"), "[package]\nname='p'").unwrap();
        std::fs::write(root.join("sub/c.toml"), "[build]\ntarget='x'\ntarget-dir='out'").unwrap();
        std::fs::write(top.join("o.toml"), "").unwrap();
        let project = DeviceProject::find(&root, None, None).unwrap();
        let read = |argument: &str| config_arguments(&[argument.to_owned()], &root.join("sub"), &project);
        let (tables, forwarded) = read("c.toml").unwrap();
        assert_eq!(forwarded, [ForwardedConfig::File(root.join("sub/c.toml"))]);
        assert_eq!(target_dir(&ProjectArgs::default(), |_| None, &root, &tables, &project), root.join("out"));
        assert_eq!(
            read("profile.dev.opt-level=1").unwrap().1,
            [ForwardedConfig::Value("profile.dev.opt-level=1".to_owned())]
        );
        assert!(read("../../o.toml").unwrap_err().to_string().contains("outside of the project"));
        assert!(read("nonsense").is_err());
        let flag = ProjectArgs { target_dir: Some("f".into()), ..ProjectArgs::default() };
        assert_eq!(target_dir(&flag, |_| Some("e".into()), &root, &tables, &project), root.join("f"));
    }
}

//! What is to be done, settled before anything is sent.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use protocol::CargoOptions;
use toml::Table;

use crate::args::{CommonArgs, Invocation, ProjectArgs};
use crate::pipeline::Targets;
use crate::project::{DeviceProject, normalize, relative};
use crate::terminal::Shell;
use crate::{environment, project};

/// Where we stand.
pub struct Workspace {
    /// The folder the command was typed in.
    pub cwd: PathBuf,
    /// The user's own cargo folder.
    pub cargo_home: Option<PathBuf>,
    /// The project.
    pub project: DeviceProject,
    /// `--config` tables, the weightiest last.
    arguments: Vec<Table>,
    /// `--config` for the builder.
    forwarded_config: Vec<Forwarded>,
    /// Where cargo would build.
    pub target_dir: PathBuf,
}

/// A `--config`.
#[derive(Debug, PartialEq, Eq)]
enum Forwarded {
    Value(String),
    /// One of the files that are sent.
    File(PathBuf),
}

impl Workspace {
    /// Finds the project and reads cargo's configuration.
    pub fn find(common: &CommonArgs, args: &ProjectArgs) -> anyhow::Result<Self> {
        let cwd = std::env::current_dir().context("the current folder is gone")?;
        Self::find_from(cwd, &common.config, args)
    }

    /// The same, as if the command had been typed in `cwd` with these `--config`.
    pub fn find_from(cwd: PathBuf, config: &[String], args: &ProjectArgs) -> anyhow::Result<Self> {
        let cargo_home = environment::cargo_home(&cwd);
        let project = DeviceProject::find(&cwd, args.manifest_path.as_deref(), cargo_home.as_deref())?;
        let (arguments, forwarded_config) = config_arguments(config, &cwd, &project)?;
        let target_dir = target_dir(args, environment::path, &cwd, &arguments, &project);
        Ok(Self { cwd, cargo_home, project, arguments, forwarded_config, target_dir })
    }

    /// The flag's targets, else those of the configuration.
    pub fn targets(&self, flag: &[String]) -> anyhow::Result<Targets> {
        Targets::choose(flag, &self.arguments, &self.project.config)
    }

    /// Cargo's flags as the builder gets them, for a cargo that runs in `folder`.
    ///
    /// # Errors
    /// When the path of a file is not UTF-8.
    pub fn cargo_options(
        &self,
        shell: &Shell,
        typed: &Invocation,
        (asked, targets): (&CargoOptions, &Targets),
        folder: &Path,
    ) -> anyhow::Result<CargoOptions> {
        let common = &typed.cli.common;
        let config = self.forwarded_config.iter().map(|argument| match argument {
            Forwarded::Value(text) => Ok(text.clone()),
            Forwarded::File(path) => relative(folder, path).to_str().map(str::to_owned).context("a path is not UTF-8"),
        });
        Ok(CargoOptions {
            target: targets.named.clone(),
            config: config.collect::<anyhow::Result<_>>()?,
            verbose: common.verbose,
            quiet: common.quiet,
            color: shell.color(),
            ..asked.clone()
        })
    }

    /// Where cargo runs: where one stands, if that is sent.
    pub fn working_directory(&self) -> &Path {
        let sent = self.project.folders.iter().any(|folder| self.cwd.starts_with(folder));
        if sent { &self.cwd } else { &self.project.directory }
    }

    /// The toolchain to ask for.
    pub fn toolchain(&self, typed: &Invocation) -> Option<String> {
        let variable = environment::variable("RUSTUP_TOOLCHAIN").filter(|_| typed.by_cargo);
        let home = environment::rustup_home();
        project::forwarded_toolchain(
            typed.toolchain.as_deref(),
            variable.as_deref(),
            &self.project.directory,
            home.as_deref(),
        )
    }
}

/// The tables of `--config`, and what of it the builder gets.
fn config_arguments(
    list: &[String],
    cwd: &Path,
    project: &DeviceProject,
) -> anyhow::Result<(Vec<Table>, Vec<Forwarded>)> {
    let (mut tables, mut forwarded) = (Vec::new(), Vec::new());
    for argument in list {
        let path = normalize(&cwd.join(argument));
        if path.is_file() {
            if !project.folders.iter().any(|folder| path.starts_with(folder)) {
                bail!(
                    "`--config {argument}` is outside of the project, so it isn't sent; write its values as `--config KEY=VALUE`"
                );
            }
            let text =
                std::fs::read_to_string(&path).with_context(|| format!("could not read `{}`", path.display()))?;
            tables.push(text.parse().with_context(|| format!("could not parse `{}`", path.display()))?);
            forwarded.push(Forwarded::File(path));
        } else {
            let table = argument.parse::<Table>().map_err(|error| {
                let what = "failed to parse value from --config argument";
                project::caused(format!("{what} `{argument}` as a dotted key expression"), &[&error])
            })?;
            tables.push(table);
            forwarded.push(Forwarded::Value(argument.clone()));
        }
    }
    Ok((tables, forwarded))
}

/// Cargo's own order: flag, environment, configuration, `target` in the root.
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
        assert_eq!(forwarded, [Forwarded::File(root.join("sub/c.toml"))]);
        assert_eq!(target_dir(&ProjectArgs::default(), |_| None, &root, &tables, &project), root.join("out"));
        assert_eq!(
            read("profile.dev.opt-level=1").unwrap().1,
            [Forwarded::Value("profile.dev.opt-level=1".to_owned())]
        );
        assert!(read("../../o.toml").unwrap_err().to_string().contains("outside of the project"));
        assert!(read("nonsense").is_err());
        let flag = ProjectArgs { target_dir: Some("f".into()), ..ProjectArgs::default() };
        assert_eq!(target_dir(&flag, |_| Some("e".into()), &root, &tables, &project), root.join("f"));
    }
}

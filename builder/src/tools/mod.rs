//! The machine's tools: cargo, toolchains, linkers.

mod android;
mod linker;
mod toolchain;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use protocol::CargoOptions;
use tokio::sync::Mutex;

use android::{AndroidBuild, missing as android_missing};
pub(crate) use linker::Linker;
use linker::link_environment;
pub(crate) use toolchain::Toolchain;

use crate::environment::{BaseEnvironment, Environment, find_program, is_program};
use crate::supervisor::{Spec, capture};
use crate::{EngineConfig, EngineError};

/// What was found when the engine started.
#[derive(Debug, Clone)]
pub(crate) struct Tools {
    /// Cargo's program.
    pub cargo: PathBuf,
    /// What all builds' environments have in common.
    pub base: BaseEnvironment,
    /// The name by which rustup knows the default toolchain; none without rustup.
    pub default_name: Option<String>,
    /// The default toolchain.
    pub default: Toolchain,
    /// Held while rustup may install a toolchain: it breaks off when another of its processes downloads the same.
    installing: Arc<Mutex<()>>,
}

/// What a build needs tools for.
pub(crate) struct Wanted<'a> {
    /// Whether programs are linked for the targets; what is only checked needs no linker, as at home.
    pub links: bool,
    /// Cargo's flags.
    pub options: &'a CargoOptions,
    /// Where cargo runs.
    pub directory: &'a Path,
    /// For temporary files.
    pub scratch: &'a Path,
}

impl Tools {
    /// Looks for cargo, asks it and its toolchain.
    pub async fn find(config: &EngineConfig) -> Result<Self, EngineError> {
        let cargo = match &config.cargo {
            Some(cargo) => cargo.clone(),
            None => find_cargo().ok_or(EngineError::NoCargo)?,
        };
        let folder = cargo.parent().unwrap_or(Path::new("/"));
        let base = BaseEnvironment::new(std::env::vars_os(), folder, &config.work, &config.env);
        let default_name = default_toolchain(&base).await;
        let mut env = base.variables().clone();
        select(&mut env, default_name.as_deref());
        let default = Toolchain::probe(&env, Path::new("/")).await.map_err(EngineError::Toolchain)?;
        Ok(Self { cargo, base, default_name, default, installing: Arc::default() })
    }
}

/// Makes rustup's programs use this toolchain, whatever folder they run in.
pub(crate) fn select(env: &mut Environment, toolchain: Option<&str>) {
    if let Some(name) = toolchain {
        env.insert("RUSTUP_TOOLCHAIN".into(), name.into());
        // As with `cargo +name`: else `cargo install` warns of a toolchain that nobody chose.
        env.insert("RUSTUP_TOOLCHAIN_SOURCE".into(), "cli".into());
    }
}

fn find_cargo() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let usual = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo"));
    let home = cargo_home.or_else(usual).map(|home| home.join("bin"));
    let mut folders = std::env::split_paths(&path).chain(home).filter(|folder| folder.is_absolute());
    folders.find_map(|folder| Some(folder.join("cargo")).filter(|file| is_program(file)))
}

/// What rustup uses outside of any project.
async fn default_toolchain(base: &BaseEnvironment) -> Option<String> {
    let env = base.variables();
    if let Some(name) = std::env::var("RUSTUP_TOOLCHAIN").ok().filter(|name| !name.is_empty()) {
        return Some(name);
    }
    let spec = Spec::new(&find_program(env, "rustup")?, ["show", "active-toolchain"], env, Path::new("/"));
    let text = capture(&spec).await.ok()?.text().ok()?;
    Some(text.split_whitespace().next()?.to_owned())
}

impl Tools {
    /// Chooses a build's toolchain, as rustup would for the person at home: the one named, the project's own, the default.
    /// `env` is made to lead to it. The error is for the person who asked.
    pub fn choose<'a>(
        &'a self,
        env: &mut Environment,
        named: Option<&str>,
        source: &Path,
        directory: &'a Path,
    ) -> impl Future<Output = Result<Toolchain, String>> + use<'a> {
        let own = own_toolchain_file(source, directory);
        let name = match (named, own) {
            (Some(name), _) => Some(name.to_owned()),
            // Rustup reads the project's file itself.
            (None, true) => None,
            (None, false) => self.default_name.clone(),
        };
        select(env, name.as_deref());
        let default = self.default_name.is_none() || (name.is_some() && name == self.default_name);
        let (env, without_rustup) = (env.clone(), self.default_name.is_none());
        async move {
            if without_rustup && let Some(name) = name {
                return Err(format!("this backend has no rustup, so it can't build with `+{name}`: leave that out"));
            }
            if default {
                return Ok(self.default.clone());
            }
            let _alone = self.installing.lock().await;
            Toolchain::probe(&env, directory).await.map_err(|why| {
                let wanted =
                    name.map_or("the toolchain the project asks for".to_owned(), |name| format!("toolchain `{name}`"));
                format!("this backend can't use {wanted}: {why}")
            })
        }
    }

    /// What cargo needs to link for the targets that are asked for. The error is for the person who asked.
    pub async fn target_environment(
        &self,
        config: &EngineConfig,
        wanted: &Wanted<'_>,
        toolchain: &Toolchain,
        env: &Environment,
    ) -> Result<Environment, String> {
        let Wanted { links, options, directory, scratch } = *wanted;
        let mut extra = Environment::new();
        for target in &options.target {
            if !toolchain.targets.contains(target) {
                return Err(format!(
                    "this backend's {} has no standard library for `{target}`, only for {}: `rustup target add {target}` on its machine",
                    toolchain.rustc,
                    toolchain.targets.join(", ")
                ));
            }
            match Linker::find(target, &toolchain.host, &config.linkers, env) {
                Linker::Default => {}
                Linker::Program(program) => extra.extend(link_environment(target, &program)),
                Linker::Android => {
                    if let Some(missing) = android_missing(env) {
                        if !links {
                            continue;
                        }
                        return Err(format!("this backend can't build for `{target}`: {missing}"));
                    }
                    let build = AndroidBuild {
                        target,
                        default_level: config.android_api,
                        packages: &options.package,
                        cargo: &self.cargo,
                        env,
                        directory,
                        scratch,
                    };
                    extra.extend(build.environment().await?);
                }
                Linker::Missing(_) if !links => {}
                Linker::Missing(names) => {
                    return Err(format!(
                        "this backend has no linker for `{target}`: install {} on its machine, or name another in its settings",
                        names.join(" or ")
                    ));
                }
            }
        }
        Ok(extra)
    }
}

/// Whether the project names its toolchain, in a file rustup would find from `directory` up to the top of the source.
fn own_toolchain_file(source: &Path, directory: &Path) -> bool {
    let folders = directory.ancestors().take_while(|folder| folder.starts_with(source));
    folders
        .flat_map(|folder| ["rust-toolchain.toml", "rust-toolchain"].map(|name| folder.join(name)))
        .any(|file| file.is_file())
}

//! The machine's tools: cargo, Rust toolchains and linkers.

mod android;
mod linker;
mod missing;
mod standard_library;
mod toolchain;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use protocol::{Capabilities, CargoOptions};
use tokio::sync::Mutex;

use android::{AndroidBuild, AndroidTools};
pub(crate) use linker::Linker;
use linker::link_environment;
use missing::{group, missing_tools};
use standard_library::StandardLibrary;
pub(crate) use toolchain::Toolchain;

use crate::environment::{BaseEnvironment, Environment, find_program, is_program};
use crate::stream::Reporter;
use crate::supervisor::{CommandSpec, capture};
use crate::{EngineConfig, EngineError};

/// The tools that were found when the engine started.
#[derive(Debug, Clone)]
pub(crate) struct Tools {
    /// Path of the cargo program.
    pub cargo: PathBuf,
    /// The environment variables that all builds share.
    pub base: BaseEnvironment,
    /// Rustup's name for the default toolchain; `None` without rustup.
    pub default_name: Option<String>,
    /// The toolchain of builds that name no other.
    pub default: Toolchain,
    /// Held while rustup may install something: it fails when another of its processes downloads the same.
    installing: Arc<Mutex<()>>,
}

/// The targets of a build, and what it does with them.
pub(crate) struct TargetRequest<'a> {
    /// Whether the build links programs. A build that only checks needs no linker.
    pub links: bool,
    /// Cargo's flags, which name the targets.
    pub options: &'a CargoOptions,
    /// The folder that cargo runs in.
    pub directory: &'a Path,
    /// A folder for temporary files.
    pub scratch: &'a Path,
    /// Reports to the followers what is fetched.
    pub reporter: &'a Reporter,
}

impl Tools {
    /// Looks for cargo and asks the default toolchain for its version and targets.
    pub async fn find(config: &EngineConfig) -> Result<Self, EngineError> {
        let cargo = match &config.cargo {
            Some(cargo) => cargo.clone(),
            None => find_tool("cargo").ok_or(EngineError::NoCargo)?,
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

/// Makes rustup's programs use this toolchain in every folder.
pub(crate) fn select(env: &mut Environment, toolchain: Option<&str>) {
    if let Some(name) = toolchain {
        env.insert("RUSTUP_TOOLCHAIN".into(), name.into());
        // As `cargo +name` does it; otherwise `cargo install` warns about the toolchain.
        env.insert("RUSTUP_TOOLCHAIN_SOURCE".into(), "cli".into());
    }
}

/// Finds a program of a Rust installation, such as `cargo`: in `PATH`, else in `$CARGO_HOME/bin`.
pub fn find_tool(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let usual = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo"));
    let home = cargo_home.or_else(usual).map(|home| home.join("bin"));
    let mut folders = std::env::split_paths(&path).chain(home).filter(|folder| folder.is_absolute());
    folders.find_map(|folder| Some(folder.join(name)).filter(|file| is_program(file)))
}

/// The name of the toolchain that rustup uses outside of projects.
async fn default_toolchain(base: &BaseEnvironment) -> Option<String> {
    let env = base.variables();
    if let Some(name) = std::env::var("RUSTUP_TOOLCHAIN").ok().filter(|name| !name.is_empty()) {
        return Some(name);
    }
    let spec = CommandSpec::new(&find_program(env, "rustup")?, ["show", "active-toolchain"], env, Path::new("/"));
    let text = capture(&spec).await.ok()?.text().ok()?;
    Some(text.split_whitespace().next()?.to_owned())
}

impl Tools {
    /// What this machine can build now. `offered` lists the target triples that rustup can fetch a standard library for.
    pub fn capabilities(&self, config: &EngineConfig, offered: &[String]) -> Capabilities {
        let (host, env) = (&self.default.host, self.base.variables());
        let targets = self.default.targets_of_all();
        let on_demand: Vec<_> = offered.iter().filter(|target| !targets.contains(target)).cloned().collect();
        let known = targets.iter().map(|target| (target, true)).chain(on_demand.iter().map(|target| (target, false)));
        let lacking = known.filter_map(|(target, installed)| missing_tools(target, host, installed, config, env));
        let advice = match (&self.default_name, offered) {
            (None, _) => Some("To build for others, install Rust with rustup (https://rustup.rs) on its machine."),
            (Some(_), [_, ..]) => Some("Rustup has no standard library for others."),
            (Some(_), []) => None,
        };
        Capabilities {
            lacking: group(lacking),
            advice: advice.map(str::to_owned),
            targets,
            on_demand,
            ..Capabilities::new(host, env!("CARGO_PKG_VERSION"))
        }
    }

    /// Chooses a build's toolchain as rustup does on the device: the one that is named, else the project's, else the
    /// default. Changes `env` to use it. The error is for the sender of the build.
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
            // Rustup itself reads the project's file.
            (None, true) => None,
            (None, false) => self.default_name.clone(),
        };
        select(env, name.as_deref());
        let default = self.default_name.is_none() || (name.is_some() && name == self.default_name);
        let (env, without_rustup) = (env.clone(), self.default_name.is_none());
        async move {
            if without_rustup && let Some(name) = name {
                return Err(format!("this backend has no rustup, so it can't build with `+{name}`: build without it"));
            }
            if default {
                return Ok(self.default.clone());
            }
            let _alone = self.installing.lock().await;
            Toolchain::probe(&env, directory).await.map_err(|why| {
                let wanted = name
                    .map_or("the toolchain that the project asks for".to_owned(), |name| format!("toolchain `{name}`"));
                format!("this backend can't use {wanted}: {why}")
            })
        }
    }

    /// The environment variables that cargo needs to link for the build's targets. Fetches missing standard libraries. The
    /// error is for the sender of the build.
    pub async fn target_environment(
        &self,
        config: &EngineConfig,
        wanted: &TargetRequest<'_>,
        toolchain: &Toolchain,
        env: &Environment,
    ) -> Result<Environment, String> {
        let TargetRequest { links, options, directory, scratch, reporter } = *wanted;
        let mut extra = Environment::new();
        for target in &options.target {
            let installed = toolchain.has(target);
            let missing = missing_tools(target, &toolchain.host, installed, config, env);
            if let Some(missing) = missing.filter(|_| links) {
                return Err(missing.refusal(target));
            }
            if !installed {
                self.fetch(&StandardLibrary { target, toolchain, env, directory }, reporter).await?;
            }
            match Linker::find(target, &toolchain.host, &config.linkers, env) {
                // A build that only checks continues without a linker.
                Linker::Default | Linker::Missing(_) => {}
                Linker::Program(program) => extra.extend(link_environment(target, &program)),
                Linker::Android => {
                    let Ok(tools) = AndroidTools::find(env, config.android_setup.as_ref()) else { continue };
                    let build = AndroidBuild {
                        target,
                        default_level: config.android_api,
                        packages: &options.package,
                        cargo: &self.cargo,
                        tools: &tools,
                        env,
                        directory,
                        scratch,
                    };
                    extra.extend(build.environment().await?);
                }
            }
        }
        Ok(extra)
    }
}

/// Whether the project names its toolchain, in a file that rustup finds in `directory` or above, up to the top of `source`.
fn own_toolchain_file(source: &Path, directory: &Path) -> bool {
    let folders = directory.ancestors().take_while(|folder| folder.starts_with(source));
    folders
        .flat_map(|folder| ["rust-toolchain.toml", "rust-toolchain"].map(|name| folder.join(name)))
        .any(|file| file.is_file())
}

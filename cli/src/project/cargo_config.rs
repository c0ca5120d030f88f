//! Cargo's configuration files, as far as the client needs them.

use std::path::{Path, PathBuf};

use anyhow::Context;
use toml::{Table, Value};

use super::toml_error::caused;

/// One configuration file of cargo, `.cargo/config.toml`.
#[derive(Debug, Clone)]
pub struct Layer {
    /// Path of the configuration file.
    pub file: PathBuf,
    /// The folder that its relative paths start from, which contains `.cargo`.
    pub folder: PathBuf,
    /// The parsed content of the file.
    pub table: Table,
    /// Whether the file belongs to the project and so is sent to the builder.
    pub of_project: bool,
}

/// All configuration files that cargo would read. A value in a nearer file overrides the same value in a farther one.
#[derive(Debug, Clone, Default)]
pub struct CargoConfig {
    /// The files, the nearest first.
    pub layers: Vec<Layer>,
}

impl CargoConfig {
    /// Reads the files that apply in `folder`. Those below `project` belong to the project; `cargo_home` holds the
    /// user's own file.
    ///
    /// # Errors
    /// When a file can't be read, or is not valid TOML.
    pub fn read(folder: &Path, project: &Path, cargo_home: Option<&Path>) -> anyhow::Result<Self> {
        let mut layers = Vec::new();
        for ancestor in folder.ancestors() {
            let dot_cargo = ancestor.join(".cargo");
            if cargo_home == Some(&dot_cargo) {
                continue;
            }
            layers.extend(layer(&dot_cargo, ancestor.starts_with(project))?);
        }
        if let Some(home) = cargo_home {
            layers.extend(layer(home, false)?);
        }
        Ok(Self { layers })
    }

    /// Reads only the user's own file, as cargo does for commands without a project.
    pub fn of_home(cargo_home: Option<&Path>) -> anyhow::Result<Self> {
        let Some(home) = cargo_home else { return Ok(Self::default()) };
        Self::read(home, home, cargo_home)
    }

    fn find(&self, section: &str, key: &str) -> Option<(&Layer, &Value)> {
        self.layers.iter().find_map(|layer| Some((layer, layer.table.get(section)?.get(key)?)))
    }

    /// The triples of `build.target`, which can be one triple or a list.
    pub fn targets(&self) -> Vec<String> {
        match self.find("build", "target") {
            Some((_, Value::String(one))) => vec![one.clone()],
            Some((_, Value::Array(list))) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }

    /// The absolute path of `build.target-dir`.
    pub fn target_dir(&self) -> Option<PathBuf> {
        self.path("build", "target-dir")
    }

    /// The path of `install.root`. A single name is relative to the current folder, until a future cargo makes it
    /// relative to the configuration as all others are (doc.rust-lang.org/cargo, configuration, `install.root`).
    pub fn install_root(&self) -> Option<PathBuf> {
        let (_, value) = self.find("install", "root")?;
        match value.as_str()? {
            name if !name.contains('/') => Some(PathBuf::from(name)),
            _ => self.path("install", "root"),
        }
    }

    /// The value of `alias.NAME`, as it is written.
    pub fn alias(&self, name: &str) -> Option<&Value> {
        self.find("alias", name).map(|(_, value)| value)
    }

    fn path(&self, section: &str, key: &str) -> Option<PathBuf> {
        let (layer, value) = self.find(section, key)?;
        Some(super::normalize(&layer.folder.join(value.as_str()?)))
    }

    /// Files outside the project that have keys which affect a build, each with these keys.
    pub fn left_behind(&self) -> Vec<(PathBuf, String)> {
        const HEEDED: [&str; 10] = [
            "build.rustflags",
            "env",
            "net.git-fetch-with-cli",
            "patch",
            "paths",
            "profile",
            "registries",
            "registry",
            "source",
            "target",
        ];
        let said = |layer: &Layer| {
            let keys = HEEDED.iter().filter(|key| match key.split_once('.') {
                Some((section, key)) => layer.table.get(section).is_some_and(|section| section.get(key).is_some()),
                None => layer.table.contains_key(**key),
            });
            keys.copied().collect::<Vec<_>>().join(", ")
        };
        let layers = self.layers.iter().filter(|layer| !layer.of_project);
        layers.map(|layer| (layer.file.clone(), said(layer))).filter(|(_, keys)| !keys.is_empty()).collect()
    }
}

fn layer(dot_cargo: &Path, of_project: bool) -> anyhow::Result<Option<Layer>> {
    // Where both exist, cargo prefers the file without an extension.
    let Some(file) = ["config", "config.toml"].map(|name| dot_cargo.join(name)).into_iter().find(|path| path.is_file())
    else {
        return Ok(None);
    };
    let text = std::fs::read_to_string(&file).with_context(|| format!("could not read `{}`", file.display()))?;
    let table = text.parse::<Table>().map_err(|error| {
        let what = format!("could not parse TOML configuration in `{}`", file.display());
        caused("could not load Cargo configuration", &[&what, &error])
    })?;
    let folder = dot_cargo.parent().unwrap_or(dot_cargo).to_path_buf();
    Ok(Some(Layer { file, folder, table, of_project }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_file_wins_and_the_users_file_comes_last() {
        let temp = tempfile::tempdir().unwrap();
        let home = temp.path().join("home/.cargo");
        let project = temp.path().join("home/project");
        let write = |path: PathBuf, text: &str| {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write(
            home.join("config.toml"),
            "[build]\ntarget='x'\nrustflags=[]\n[install]\nroot='apps/'\n[source.a]\n[term]\nquiet=true",
        );
        write(project.join(".cargo/config.toml"), "[build]\ntarget-dir='../out'");
        write(project.join("member/.cargo/config.toml"), "[build]\ntarget=['a','b']");
        let read = |folder: &str| CargoConfig::read(&project.join(folder), &project, Some(&home)).unwrap();
        assert_eq!(read("").targets(), ["x"]);
        let member = read("member");
        assert_eq!(member.targets(), ["a", "b"]);
        assert_eq!(member.target_dir().unwrap(), temp.path().join("home/out"));
        assert_eq!(member.install_root().unwrap(), temp.path().join("home/apps"));
        write(home.join("config.toml"), "[install]\nroot='apps'");
        assert_eq!(read("").install_root().unwrap(), Path::new("apps"));
        assert_eq!(member.left_behind(), [(home.join("config.toml"), "build.rustflags, source".to_owned())]);
        assert_eq!(member.layers.iter().filter(|layer| layer.of_project).count(), 2);
    }
}

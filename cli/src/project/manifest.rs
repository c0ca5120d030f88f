//! Reads what a `Cargo.toml` refers to. It is read as a plain table, because cargo itself reports malformed values.

use std::path::Path;

use toml::{Table, Value};

use super::toml_error;

/// A manifest, of which only paths and names are read.
#[derive(Debug, Clone)]
pub struct CargoManifest(Table);

/// A path in a manifest or in cargo's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// As written, relative to the manifest's folder.
    pub path: String,
    /// What the path leads to.
    pub kind: ReferenceKind,
    /// The key that names it, for error messages.
    pub by: String,
}

/// What a referenced path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReferenceKind {
    /// A folder with a manifest.
    Package,
    /// A file, such as a target's root.
    File,
}

const DEPENDENCIES: [&str; 5] =
    ["dependencies", "dev-dependencies", "dev_dependencies", "build-dependencies", "build_dependencies"];

impl CargoManifest {
    /// Reads and parses a manifest.
    ///
    /// # Errors
    /// If the file can't be read or is not valid TOML. The error has cargo's wording.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| toml_error::caused(format!("failed to read `{}`", path.display()), &[&error]))?;
        Self::parse(&text).map_err(|error| toml_error::manifest(&error, &text, path))
    }

    /// Parses the text of a manifest.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        text.parse::<Table>().map(Self)
    }

    fn table(&self, name: &str) -> Option<&Table> {
        self.0.get(name)?.as_table()
    }

    /// The name of the package, `package.name`.
    pub fn name(&self) -> Option<&str> {
        self.package()?.get("name")?.as_str()
    }

    /// The name of the crate: the library's name if it has one, otherwise the package's, with `_` for `-`.
    pub fn crate_name(&self) -> Option<String> {
        let library = self.table("lib").and_then(|lib| lib.get("name")?.as_str());
        library.or(self.name()).map(|name| name.replace('-', "_"))
    }

    /// The table `[package]`, which a virtual manifest doesn't have.
    pub fn package(&self) -> Option<&Table> {
        self.table("package").or_else(|| self.table("project"))
    }

    /// The table `[workspace]`, which only a root has.
    pub fn workspace(&self) -> Option<&Table> {
        self.table("workspace")
    }

    /// The path of the workspace's root, `package.workspace`.
    pub fn workspace_path(&self) -> Option<&str> {
        self.package()?.get("workspace")?.as_str()
    }

    /// The patterns of `workspace.members`, as written.
    pub fn members(&self) -> Vec<&str> {
        self.workspace().map(|workspace| strings(workspace.get("members"))).unwrap_or_default()
    }

    /// The paths of `workspace.exclude`, as written.
    pub fn excluded(&self) -> Vec<&str> {
        self.workspace().map(|workspace| strings(workspace.get("exclude"))).unwrap_or_default()
    }

    /// Whether a value is inherited from the workspace's root (`version.workspace = true`).
    pub fn inherits(&self) -> bool {
        fn inherited(value: &Value) -> bool {
            value.as_table().is_some_and(|table| {
                table.get("workspace").and_then(Value::as_bool) == Some(true) || table.values().any(inherited)
            })
        }
        self.0.iter().any(|(name, value)| !matches!(name.as_str(), "workspace" | "profile") && inherited(value))
    }

    /// `include` and `exclude` of `[workspace.metadata.cloud]` and `[package.metadata.cloud]`.
    pub fn selection(&self) -> (Vec<&str>, Vec<&str>) {
        let (mut include, mut exclude) = (Vec::new(), Vec::new());
        for table in [self.workspace(), self.package()].into_iter().flatten() {
            let cloud = table.get("metadata").and_then(|metadata| metadata.get("cloud"));
            include.extend(strings(cloud.and_then(|cloud| cloud.get("include"))));
            exclude.extend(strings(cloud.and_then(|cloud| cloud.get("exclude"))));
        }
        (include, exclude)
    }

    /// Every path that a build may need: dependencies of all kinds, patches, replacements, and files of targets.
    pub fn references(&self) -> Vec<Reference> {
        let mut out = Vec::new();
        let mut tables: Vec<&Table> = vec![&self.0];
        tables.extend(self.table("target").into_iter().flat_map(|target| target.values().filter_map(Value::as_table)));
        tables.extend(self.workspace());
        for table in tables {
            for kind in DEPENDENCIES {
                dependencies(table.get(kind), &mut out);
            }
        }
        dependencies(self.0.get("replace"), &mut out);
        for registry in self.table("patch").into_iter().flat_map(|patch| patch.values()) {
            dependencies(Some(registry), &mut out);
        }
        self.files(&mut out);
        out
    }

    fn files(&self, out: &mut Vec<Reference>) {
        let mut file = |path: &str, by: &str| {
            out.push(Reference { path: path.to_owned(), kind: ReferenceKind::File, by: format!("`{by}`") });
        };
        for kind in ["lib", "bin", "example", "test", "bench"] {
            let targets: &[Value] = match self.0.get(kind) {
                Some(Value::Array(list)) => list,
                Some(one) => std::slice::from_ref(one),
                None => &[],
            };
            for path in targets.iter().filter_map(|target| target.get("path")?.as_str()) {
                file(path, kind);
            }
        }
        let Some(package) = self.package() else { return };
        for key in ["build", "readme", "license-file"] {
            match package.get(key) {
                Some(Value::String(path)) => file(path, key),
                list => strings(list).into_iter().for_each(|path| file(path, key)),
            }
        }
    }
}

fn strings(value: Option<&Value>) -> Vec<&str> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

fn dependencies(value: Option<&Value>, out: &mut Vec<Reference>) {
    for (name, dependency) in value.and_then(Value::as_table).into_iter().flatten() {
        if let Some(path) = dependency.get("path").and_then(Value::as_str) {
            out.push(Reference {
                path: path.to_owned(),
                kind: ReferenceKind::Package,
                by: format!("the dependency `{name}`"),
            });
        }
    }
}

/// Paths that a cargo configuration refers to: `paths`, `[patch]` and sources in folders.
pub fn config_references(config: &Table) -> Vec<Reference> {
    let mut out = Vec::new();
    let package = |path: &str, by: &str| Reference {
        path: path.to_owned(),
        kind: ReferenceKind::Package,
        by: format!("`{by}` of the cargo configuration"),
    };
    out.extend(strings(config.get("paths")).into_iter().map(|path| package(path, "paths")));
    for registry in config.get("patch").and_then(Value::as_table).into_iter().flat_map(|patch| patch.values()) {
        dependencies(Some(registry), &mut out);
    }
    out.extend(source_folders(config).into_iter().map(|path| package(path, "source")));
    out
}

/// Vendored registries: `source.*.directory` and `source.*.local-registry`.
pub fn source_folders(config: &Table) -> Vec<&str> {
    let sources = config.get("source").and_then(Value::as_table);
    sources
        .into_iter()
        .flat_map(|sources| sources.values())
        .flat_map(|source| [source.get("directory"), source.get("local-registry")])
        .filter_map(|path| path?.as_str())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_path_is_found() {
        let manifest = CargoManifest::parse(
            r#"
            [package]
            name = "x"
            version.workspace = true
            build = "../build.rs"
            [lib]
            path = "../lib.rs"
            [[bin]]
            name = "b"
            path = "b.rs"
            [dependencies]
            a = { path = "../a", optional = true }
            [dev-dependencies.d]
            path = "../d"
            [build_dependencies]
            e = { path = "../e" }
            [target.'cfg(unix)'.dependencies]
            f = { path = "../f" }
            [workspace.dependencies]
            g = { path = "g" }
            [patch.crates-io]
            h = { path = "../h" }
            [patch."https://x.invalid/y"]
            i = { path = "../i" }
            [replace]
            "j:1.0.0" = { path = "../j" }
            "#,
        )
        .unwrap();
        let mut paths: Vec<_> = manifest.references().into_iter().map(|reference| reference.path).collect();
        paths.sort();
        assert_eq!(
            paths,
            ["../a", "../build.rs", "../d", "../e", "../f", "../h", "../i", "../j", "../lib.rs", "b.rs", "g"]
        );
        assert!(manifest.inherits());
        assert!(!CargoManifest::parse("[workspace.package]\nversion = '1'").unwrap().inherits());
    }

    #[test]
    fn malformed_tables_are_ignored() {
        for text in
            ["dependencies = 3", "[dependencies]\na = []", "[package]\nbuild = false", "bin = [1]", "patch = 'x'"]
        {
            assert_eq!(CargoManifest::parse(text).unwrap().references(), [], "{text}");
        }
    }

    #[test]
    fn paths_in_configurations_are_found() {
        let config: Table =
            "paths = ['../o']\n[patch.crates-io]\na.path = 'a'\n[source.v]\ndirectory = 'vendor'".parse().unwrap();
        let paths: Vec<_> = config_references(&config).into_iter().map(|reference| reference.path).collect();
        assert_eq!(paths, ["../o", "a", "vendor"]);
    }
}

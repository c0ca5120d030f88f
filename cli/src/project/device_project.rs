//! Everything on the device that a build needs: the folder of the workspace's root, and files outside of it that
//! manifests refer to.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::cargo_config::CargoConfig;
use super::git::repository_root;
use super::manifest::{CargoManifest, Reference, ReferenceKind, config_references, source_folders};
use super::path::{common_ancestor, normalize};
use super::{locate, relative};

/// A project on the device, with everything that belongs to it. Paths are absolute, without `.` and `..`.
#[derive(Debug)]
pub struct DeviceProject {
    /// Name to show: the package's name, or the folder's.
    pub name: String,
    /// The folder of the chosen manifest, in which cargo runs.
    pub directory: PathBuf,
    /// The folder of the workspace's root.
    pub root: PathBuf,
    /// The deepest folder above everything that is sent.
    pub top: PathBuf,
    /// Folders that are sent, each by its own ignore rules.
    pub folders: Vec<PathBuf>,
    /// Files outside of the folders that are sent too.
    pub files: Vec<PathBuf>,
    /// Folders of vendored sources, which are sent whole, whatever ignore rules say: cargo checks their checksums.
    pub vendored: Vec<PathBuf>,
    /// The `include` and `exclude` lists of the manifests.
    pub selections: Vec<CloudMetadata>,
    /// Cargo's configuration files for the project.
    pub config: CargoConfig,
}

/// A manifest's `metadata.cloud`: lists of patterns, written as in .gitignore.
#[derive(Debug, PartialEq, Eq)]
pub struct CloudMetadata {
    /// The folder that the patterns are relative to.
    pub base: PathBuf,
    /// Patterns of files that are sent although ignore rules match.
    pub include: Vec<String>,
    /// Patterns of files that are not sent.
    pub exclude: Vec<String>,
}

impl DeviceProject {
    /// Finds the project that cargo would build in `cwd`.
    ///
    /// # Errors
    /// If there is no project, if a manifest can't be read, or if a path can't exist on the builder.
    pub fn find(cwd: &Path, manifest_path: Option<&Path>, cargo_home: Option<&Path>) -> anyhow::Result<Self> {
        let manifest_path = locate::manifest(cwd, manifest_path)?;
        let directory = manifest_path.parent().context("a manifest lies in a folder")?.to_path_buf();
        let manifest = CargoManifest::read(&manifest_path)?;
        let root = locate::workspace_root(&directory, &manifest)?;
        let root_manifest = CargoManifest::read(&root.join("Cargo.toml"))?;
        let level = repository_root(&root).unwrap_or_else(|| root.clone());
        // Cargo searches from the current folder.
        let from = if cwd.starts_with(&level) { cwd } else { &directory };
        let config = CargoConfig::read(from, &level, cargo_home)?;

        let mut crawl = Crawl { folders: vec![root.clone()], ..Crawl::default() };
        crawl.packages.push(root.clone());
        crawl.folder(&directory);
        for member in locate::members(&root, &root_manifest) {
            crawl.folder(&member);
        }
        crawl.config(&config, &level)?;
        crawl.toolchain(&directory, &level);
        crawl.run(&root)?;

        let folder_name = || root.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = root_manifest.name().or(manifest.name()).map(str::to_owned).or_else(folder_name).unwrap_or_default();
        let top = crawl.top(&root);
        let Crawl { folders, files, vendored, selections, .. } = crawl;
        Ok(Self {
            name,
            directory,
            root,
            top,
            folders,
            files: files.into_iter().collect(),
            vendored,
            selections,
            config,
        })
    }

    /// Extends `top` to the root of the git repository around the project, and returns that root; `None` without a
    /// repository.
    pub fn widen_to_repository(&mut self) -> Option<PathBuf> {
        let root = repository_root(&self.root)?;
        self.top = common_ancestor(&self.top, &root);
        Some(root)
    }

    /// The path of a file or folder inside the archive, below [`protocol::SOURCE_PREFIX`].
    pub fn inside(&self, path: &Path) -> anyhow::Result<String> {
        let relative = relative(&self.top, path);
        relative.to_str().map(str::to_owned).with_context(|| {
            format!("the name `{}` is not UTF-8, and cargo can't build from it; rename it", path.display())
        })
    }
}

#[derive(Debug, Default)]
struct Crawl {
    folders: Vec<PathBuf>,
    files: BTreeSet<PathBuf>,
    vendored: Vec<PathBuf>,
    selections: Vec<CloudMetadata>,
    /// Packages whose manifest is still to be read.
    packages: Vec<PathBuf>,
    seen: BTreeSet<PathBuf>,
}

impl Crawl {
    /// Adds a package's folder to what is sent, and its manifest to those that are still to be read.
    fn folder(&mut self, folder: &Path) {
        if !self.folders.iter().any(|sent| sent == folder) {
            self.folders.push(folder.to_path_buf());
        }
        self.packages.push(folder.to_path_buf());
    }

    fn covered(&self, path: &Path) -> bool {
        self.folders.iter().any(|folder| path.starts_with(folder))
    }

    fn config(&mut self, config: &CargoConfig, level: &Path) -> anyhow::Result<()> {
        for layer in config.layers.iter().filter(|layer| layer.folder.starts_with(level) && layer.of_project) {
            self.files.insert(layer.file.clone());
            for reference in config_references(&layer.table) {
                self.reference(&layer.folder, reference, &layer.file)?;
            }
            self.vendored.extend(source_folders(&layer.table).iter().map(|path| normalize(&layer.folder.join(path))));
        }
        Ok(())
    }

    /// Adds the toolchain files in and above the folder where cargo runs. Rustup uses the nearest one.
    fn toolchain(&mut self, directory: &Path, level: &Path) {
        let names = ["rust-toolchain", "rust-toolchain.toml"];
        let folders = directory.ancestors().take_while(|folder| folder.starts_with(level));
        let found = folders.flat_map(|folder| names.map(|name| folder.join(name))).filter(|path| path.is_file());
        self.files.extend(found);
    }

    fn run(&mut self, root: &Path) -> anyhow::Result<()> {
        while let Some(folder) = self.packages.pop() {
            let path = folder.join("Cargo.toml");
            if !self.seen.insert(folder.clone()) || !path.is_file() {
                continue;
            }
            // Cargo reports invalid TOML itself, with a line number.
            let Ok(manifest) = CargoManifest::read(&path) else { continue };
            self.selection(&folder, &manifest);
            for reference in manifest.references() {
                self.reference(&folder, reference, &path)?;
            }
            if !folder.starts_with(root) {
                self.foreign_workspace(&folder, &manifest)?;
            }
        }
        self.files.retain(|file| file.exists());
        Ok(())
    }

    fn reference(&mut self, folder: &Path, reference: Reference, by: &Path) -> anyhow::Result<()> {
        let written = Path::new(&reference.path);
        let path = normalize(&folder.join(written));
        if written.is_absolute() {
            bail!(
                "{} in `{}` has the absolute path `{}`, which doesn't exist on the builder; write it as `{}`",
                reference.by,
                by.display(),
                reference.path,
                relative(folder, &path).display()
            );
        }
        match reference.kind {
            ReferenceKind::Package if path.is_dir() => self.folder(&path),
            ReferenceKind::File if path.is_file() && !self.covered(&path) => {
                // The modules of a source file are in its folder, so that folder is sent, unless it contains the whole
                // project and so may hold anything.
                let beside = path.parent().unwrap_or(&path).to_path_buf();
                let is_source = path.extension().is_some_and(|extension| extension == "rs");
                if is_source && !self.folders.iter().any(|folder| folder.starts_with(&beside)) {
                    self.folders.push(beside);
                } else {
                    self.files.insert(path);
                }
            }
            // If cargo needs a file that doesn't exist, it reports that itself.
            _ => {}
        }
        Ok(())
    }

    fn selection(&mut self, base: &Path, manifest: &CargoManifest) {
        let (include, exclude) = manifest.selection();
        let (outside, include): (Vec<&str>, Vec<&str>) = include.into_iter().partition(|path| path.starts_with("../"));
        for path in outside.into_iter().map(|path| normalize(&base.join(path))) {
            if path.is_dir() {
                self.folders.push(path);
            } else {
                self.files.insert(path);
            }
        }
        let owned = |list: Vec<&str>| list.into_iter().map(str::to_owned).collect::<Vec<_>>();
        if !include.is_empty() || !exclude.is_empty() {
            self.selections.push(CloudMetadata {
                base: base.to_path_buf(),
                include: owned(include),
                exclude: owned(exclude),
            });
        }
    }

    /// Adds what a package of another workspace inherits from: the manifest of that workspace's root, the files that
    /// cargo needs to read it, and the paths of inherited dependencies.
    fn foreign_workspace(&mut self, folder: &Path, manifest: &CargoManifest) -> anyhow::Result<()> {
        if manifest.workspace().is_some() || !(manifest.inherits() || manifest.workspace_path().is_some()) {
            return Ok(());
        }
        let Ok(root) = locate::workspace_root(folder, manifest) else { return Ok(()) };
        let path = root.join("Cargo.toml");
        let Ok(root_manifest) = CargoManifest::read(&path) else { return Ok(()) };
        if self.covered(&path) || !self.seen.insert(path.clone()) {
            return Ok(());
        }
        if root_manifest.package().is_some() {
            for target in ["src", "build.rs"].map(|name| root.join(name)) {
                if target.is_dir() {
                    self.folders.push(target);
                } else if target.is_file() {
                    self.files.insert(target);
                }
            }
        }
        for reference in root_manifest.references() {
            let inherited = reference.kind == ReferenceKind::Package;
            if inherited && root_manifest.package().is_none() {
                self.reference(&root, reference, &path)?;
            }
        }
        self.files.insert(path);
        Ok(())
    }

    fn top(&self, root: &Path) -> PathBuf {
        let files = self.files.iter().filter_map(|file| {
            // The paths of `.cargo/config.toml` are relative to the folder around `.cargo`.
            file.parent()
                .map(|parent| if parent.ends_with(".cargo") { parent.parent().unwrap_or(parent) } else { parent })
        });
        let all = self.folders.iter().filter(|folder| folder.is_dir()).map(PathBuf::as_path).chain(files);
        all.fold(root.to_path_buf(), |top, path| common_ancestor(&top, path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
        let temp = tempfile::tempdir().unwrap();
        let top = temp.path().canonicalize().unwrap();
        for (path, text) in files {
            let path = top.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        (temp, top)
    }

    fn relative_all(top: &Path, paths: &[PathBuf]) -> Vec<String> {
        let mut out: Vec<_> = paths.iter().map(|path| relative(top, path).display().to_string()).collect();
        out.sort();
        out
    }

    #[test]
    fn references_are_followed_out_of_the_root() {
        let (_temp, top) = tree(&[
            (
                "app/Cargo.toml",
                "[workspace]\nmembers=['crates/*']\n[package]\nname='app'\n[dev-dependencies]\na={path='../a'}",
            ),
            (
                "app/crates/m/Cargo.toml",
                "[package]\nname='m'\n[dependencies]\nb={path='../../../other/b'}\nnone={path='../../../none'}",
            ),
            ("app/broken/Cargo.toml", "{{template}}"),
            ("app/templates/t/Cargo.toml", "[dependencies]\nx={path='../../../unrelated'}"),
            ("unrelated/Cargo.toml", ""),
            ("a/Cargo.toml", "[package]\nname='a'\n[dependencies]\nc={path='../c'}"),
            ("c/Cargo.toml", "[package]\nname='c'\n[lib]\npath='../shared/lib.rs'"),
            ("shared/lib.rs", ""),
            ("other/Cargo.toml", "[workspace]\nmembers=['b','d']\n[workspace.dependencies]\nd={path='d'}"),
            ("other/b/Cargo.toml", "[package]\nname='b'\nversion.workspace=true\n[dependencies]\nd={workspace=true}"),
            ("other/d/Cargo.toml", "[package]\nname='d'"),
            ("other/README.md", ""),
        ]);
        let project = DeviceProject::find(&top.join("app/crates/m"), None, None).unwrap();
        assert_eq!(project.top, top);
        assert_eq!((project.root.clone(), project.name.as_str()), (top.join("app"), "app"));
        assert_eq!(project.directory, top.join("app/crates/m"));
        assert_eq!(
            relative_all(&top, &project.folders),
            ["a", "app", "app/crates/m", "c", "other/b", "other/d", "shared"]
        );
        assert_eq!(relative_all(&top, &project.files), ["other/Cargo.toml"]);
        assert_eq!(project.inside(&project.directory).unwrap(), "app/crates/m");
    }

    #[test]
    fn configuration_above_the_root_belongs_to_the_project_inside_a_repository() {
        let files = [
            ("repo/.cargo/config.toml", "paths=['../override']"),
            ("repo/rust-toolchain.toml", ""),
            (
                "repo/app/Cargo.toml",
                "[package]\nname='app'\n[package.metadata.cloud]\ninclude=['../schema.json','gen/']",
            ),
            ("repo/schema.json", ""),
            ("override/Cargo.toml", ""),
        ];
        let (_temp, top) = tree(&files);
        let alone = DeviceProject::find(&top.join("repo/app"), None, None).unwrap();
        assert_eq!(
            (relative_all(&top, &alone.files), &alone.top),
            (vec!["repo/schema.json".to_owned()], &top.join("repo"))
        );
        std::fs::create_dir(top.join("repo/.git")).unwrap();
        let project = DeviceProject::find(&top.join("repo/app"), None, None).unwrap();
        assert_eq!(
            relative_all(&top, &project.files),
            ["repo/.cargo/config.toml", "repo/rust-toolchain.toml", "repo/schema.json"]
        );
        assert_eq!(relative_all(&top, &project.folders), ["override", "repo/app"]);
        assert_eq!(project.selections[0].include, ["gen/"]);
    }

    #[test]
    fn an_absolute_path_is_refused_with_the_relative_one() {
        let (_temp, top) = tree(&[("app/Cargo.toml", "[package]\nname='app'"), ("lib/Cargo.toml", "")]);
        std::fs::write(
            top.join("app/Cargo.toml"),
            format!("[dependencies]\nlib={{path='{}'}}", top.join("lib").display()),
        )
        .unwrap();
        let error = DeviceProject::find(&top.join("app"), None, None).unwrap_err().to_string();
        assert!(error.contains("the dependency `lib`") && error.contains("write it as `../lib`"), "{error}");
    }

    #[test]
    fn outside_a_project_the_error_is_the_same_as_in_cargo() {
        let temp = tempfile::tempdir().unwrap();
        let error = DeviceProject::find(temp.path(), None, None).unwrap_err().to_string();
        assert!(error.starts_with("could not find `Cargo.toml` in"), "{error}");
    }
}

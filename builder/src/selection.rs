//! Which programs and libraries were asked for. What a build prints can't be believed: macros and build scripts print
//! beside cargo. So one counts only if the project has it, the request asks for it, and it lies where cargo puts it.

use std::path::{Path, PathBuf};

use glob::Pattern;
use protocol::{Command, FileKind, PackageRef, Request, TargetKind, TargetRef};
use serde::Deserialize;

use crate::output::ArtifactMessage;
use crate::plan::profile_folder;
use crate::products::Product;

/// The parts of `cargo metadata` that matter here.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Metadata {
    packages: Vec<Package>,
    workspace_members: Vec<String>,
    #[serde(default)]
    workspace_default_members: Vec<String>,
    workspace_root: PathBuf,
}

#[derive(Debug, Clone, Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Debug, Clone, Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

/// What decides.
pub(crate) struct Selection<'a> {
    /// The project, as cargo sees it.
    pub metadata: &'a Metadata,
    /// The request.
    pub request: &'a Request,
    /// Where cargo ran.
    pub directory: &'a Path,
    /// The source's top.
    pub source: &'a Path,
    /// The target directory.
    pub target: &'a Path,
}

impl Selection<'_> {
    /// The programs and libraries among these messages that were asked for, each once, in the order in which they were
    /// made.
    pub fn products(&self, artifacts: &[ArtifactMessage]) -> Vec<Product> {
        let mut products: Vec<Product> = Vec::new();
        for artifact in artifacts {
            for product in self.program(artifact).into_iter().chain(self.libraries(artifact)) {
                if !products.iter().any(|known| known.path == product.path) {
                    products.push(product);
                }
            }
        }
        // Cargo runs tests in this order.
        products.sort_by(|one, other| order(&one.kind).cmp(&order(&other.kind)));
        products
    }

    /// The package and the target that a message is about, if they are the project's and the package was asked for.
    fn known(&self, artifact: &ArtifactMessage) -> Option<(&Package, &Target)> {
        let of_manifest = |package: &&Package| package.manifest_path == Path::new(&artifact.manifest_path);
        let package = self.metadata.packages.iter().find(of_manifest)?;
        let same = |target: &&Target| target.name == artifact.target.name && target.kind == artifact.target.kind;
        let target = package.targets.iter().find(same)?;
        self.wants_package(package).then_some((package, target))
    }

    fn program(&self, artifact: &ArtifactMessage) -> Option<Product> {
        let executable = Path::new(artifact.executable.as_deref()?);
        let (package, target) = self.known(artifact)?;
        let target_kind = self.wanted_kind(target, artifact.profile.test)?;
        let (file, relative) = self.built(executable)?;
        let harness = artifact.profile.test;
        let triple = self.place(&relative, |rest| match (target_kind, harness, rest) {
            ("bin", false, [file]) => stem(file) == target.name,
            ("example", false, ["examples", file]) => stem(file) == target.name,
            (_, true, [.., file]) if rest.len() == 2 && matches!(rest[0], "deps" | "examples") => {
                stem(file).rsplit_once('-').is_some_and(|(stem, _)| stem == crate_name(&target.name))
            }
            _ => false,
        })?;
        let folder = package.manifest_path.parent()?;
        let directory = folder.strip_prefix(self.source).ok()?.to_str()?.to_owned();
        let source = Path::new(&artifact.target.src_path).strip_prefix(folder).ok().and_then(Path::to_str);
        let tested = source
            .filter(|_| harness)
            .map(|source| TargetRef { kind: kind_of(&target.kind), source: source.to_owned() });
        let kind = FileKind::Executable {
            name: target.name.clone(),
            target_kind: target_kind.to_owned(),
            package: PackageRef { name: package.name.clone(), version: package.version.clone(), directory },
            target: triple,
            tested,
        };
        Some(Product { file, path: relative, kind })
    }

    /// Libraries for other languages.
    fn libraries(&self, artifact: &ArtifactMessage) -> Vec<Product> {
        let Request { command, options, details, .. } = self.request;
        let whole = !(options.bins || options.examples || options.tests || options.benches)
            && [&options.bin, &options.example, &options.test, &options.bench].iter().all(|list| list.is_empty());
        let wanted =
            *command == Command::Build && details.to_target_dir && (options.lib || options.all_targets || whole);
        if !wanted || !artifact.target.is_foreign_library() {
            return Vec::new();
        }
        let Some((_, target)) = self.known(artifact) else { return Vec::new() };
        let name = crate_name(&target.name);
        let library = |file: &String| {
            let (file, path) = self.built(Path::new(file))?;
            self.place(&path, |rest| match rest {
                [file] => {
                    let (stem, ending) = file.split_once('.').unwrap_or((file, ""));
                    // Rust's own libraries are of no use without its compiler.
                    !matches!(ending, "rlib" | "rmeta" | "d") && stem.strip_prefix("lib").unwrap_or(stem) == name
                }
                _ => false,
            })?;
            Some(Product { file, path, kind: FileKind::File })
        };
        artifact.filenames.iter().filter_map(library).collect()
    }

    /// A file that was built, with its path below the target directory. A link, or a folder, is nothing cargo makes.
    fn built(&self, path: &Path) -> Option<(PathBuf, String)> {
        let relative = path.strip_prefix(self.target).ok()?.to_str()?.to_owned();
        let file = path.canonicalize().ok().filter(|file| file == path)?;
        let regular = file.symlink_metadata().is_ok_and(|metadata| metadata.is_file());
        regular.then_some((file, relative))
    }

    fn wants_package(&self, package: &Package) -> bool {
        let options = &self.request.options;
        let member = self.metadata.workspace_members.contains(&package.id);
        if !options.package.is_empty() {
            return member && options.package.iter().any(|spec| names(spec, package));
        }
        if options.workspace {
            return member && !options.exclude.iter().any(|spec| names(spec, package));
        }
        // In a package's folder it is the one meant; at the workspace's root its default members are.
        let here = self.metadata.packages.iter().find(|other| other.manifest_path.parent() == Some(self.directory));
        let defaults = &self.metadata.workspace_default_members;
        match here {
            Some(here) if defaults.is_empty() || self.metadata.workspace_root != self.directory => {
                package.id == here.id
            }
            _ if defaults.is_empty() => member,
            _ => defaults.contains(&package.id),
        }
    }

    /// What the program counts as, if it was asked for; `harness`: it was compiled with the test harness.
    fn wanted_kind(&self, target: &Target, harness: bool) -> Option<&'static str> {
        let is = |kind: &str| target.kind.iter().any(|known| known == kind);
        match self.request.command {
            // Cargo has chosen already. Programs that are no tests are there for the tests to start.
            Command::Test if harness => Some("test"),
            Command::Bench if harness => Some("bench"),
            Command::Test | Command::Bench => is("bin").then_some("bin"),
            Command::Run => is("example").then_some("example").or(is("bin").then_some("bin")),
            _ => self.wanted_of_build(target, harness),
        }
    }

    fn wanted_of_build(&self, target: &Target, harness: bool) -> Option<&'static str> {
        let options = &self.request.options;
        let (tests, benches) = (options.tests || options.all_targets, options.benches || options.all_targets);
        let is = |kind: &str| target.kind.iter().any(|known| known == kind);
        let named = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, &target.name));
        if is("test") {
            return (tests || named(&options.test)).then_some("test");
        }
        if is("bench") {
            return (benches || named(&options.bench)).then_some("bench");
        }
        if harness {
            let unit = tests || benches;
            return unit.then_some(if tests { "test" } else { "bench" });
        }
        if is("example") {
            return (options.examples || options.all_targets || named(&options.example)).then_some("example");
        }
        // Integration tests and benches start the package's programs, which cargo builds for them.
        let started = tests || benches || !(options.test.is_empty() && options.bench.is_empty());
        if started && self.request.details.to_target_dir {
            return is("bin").then_some("bin");
        }
        let any = options.lib || options.examples || started || !options.example.is_empty();
        let bins = options.bins || options.all_targets || named(&options.bin) || (options.bin.is_empty() && !any);
        (is("bin") && bins).then_some("bin")
    }

    /// Checks that a path below the target directory is where cargo puts such a file, `fits` judging what follows the
    /// profile's folder, and reads its triple from it.
    fn place(&self, relative: &str, fits: impl Fn(&[&str]) -> bool) -> Option<Option<String>> {
        let Request { command, options, .. } = self.request;
        let parts: Vec<&str> = relative.split('/').collect();
        let (triple, rest) = match parts.first() {
            Some(first) if options.target.iter().any(|target| target == first) => {
                (Some((*first).to_owned()), &parts[1..])
            }
            _ => (None, &parts[..]),
        };
        let [profile, rest @ ..] = rest else { return None };
        (*profile == profile_folder(*command, options) && fits(rest)).then_some(triple)
    }
}

/// Of a test harness: its package, what it tests, its name. The rest keeps its order.
fn order(kind: &FileKind) -> Option<(&str, &TargetRef, &str)> {
    let FileKind::Executable { name, package, tested: Some(tested), .. } = kind else { return None };
    Some((&package.name, tested, name))
}

fn kind_of(kinds: &[String]) -> TargetKind {
    match kinds.first().map(String::as_str) {
        Some("bin") => TargetKind::Bin,
        Some("test") => TargetKind::Test,
        Some("bench") => TargetKind::Bench,
        Some("example") => TargetKind::Example,
        _ => TargetKind::Lib,
    }
}

/// A crate's name as it stands in names of files.
fn crate_name(target: &str) -> String {
    target.replace('-', "_")
}

/// A program's file name without the ending some targets give it.
fn stem(file: &str) -> &str {
    file.strip_suffix(".exe").or_else(|| file.strip_suffix(".wasm")).unwrap_or(file)
}

fn matches(pattern: &str, name: &str) -> bool {
    pattern == name || Pattern::new(pattern).is_ok_and(|pattern| pattern.matches(name))
}

/// Whether a package id specification (doc.rust-lang.org/cargo, package id specifications) means this package.
fn names(spec: &str, package: &Package) -> bool {
    let (url, fragment) = match spec.rsplit_once('#') {
        Some((url, fragment)) => (Some(url), fragment),
        None if spec.contains("://") => (Some(spec), ""),
        None => (None, spec),
    };
    if let Some(path) =
        url.map(|url| url.strip_prefix("path+").unwrap_or(url)).and_then(|url| url.strip_prefix("file://"))
    {
        if package.manifest_path.parent() != Some(Path::new(path)) {
            return false;
        }
    } else if url.is_some() {
        return false;
    }
    if fragment.is_empty() {
        return url.is_some();
    }
    let (name, version) = match fragment.split_once(['@', ':']) {
        Some((name, version)) => (name, Some(version)),
        None if fragment.starts_with(|c: char| c.is_ascii_digit()) => (package.name.as_str(), Some(fragment)),
        None => (fragment, None),
    };
    // `1.2` means every 1.2.x.
    let of_version = |version: &str| {
        package.version == version || package.version.strip_prefix(version).is_some_and(|rest| rest.starts_with('.'))
    };
    matches(name, &package.name) && version.is_none_or(of_version)
}

#[cfg(test)]
mod tests;

//! Selects the programs and libraries that the request asked for.
//!
//! Cargo's messages can't be trusted: macros and build scripts can print the same on cargo's standard output. So a file
//! counts only if the project has the target, the request asks for it, and the file lies where cargo puts it.

use std::path::{Path, PathBuf};

use cargo_metadata::{Artifact, Metadata, Package, Target, TargetKind};
use protocol::{Command, FileKind, PackageRef, Request, TargetRef};

use super::BuiltFile;
use super::package_spec::{matches, names};
use crate::output::is_foreign_library;
use crate::plan::profile_folder;

/// Everything that decides which files were asked for.
pub(crate) struct ArtifactSelector<'a> {
    /// The project's packages and targets.
    pub metadata: &'a Metadata,
    /// The request, whose flags name packages and targets.
    pub request: &'a Request,
    /// The folder of the package that cargo built.
    pub directory: &'a Path,
    /// The top folder of the source.
    pub source: &'a Path,
    /// The target directory, without symbolic links.
    pub target: &'a Path,
}

impl ArtifactSelector<'_> {
    /// The programs and libraries in these messages that were asked for, each once, in the order in which cargo made
    /// them; test programs come in the order in which cargo runs them.
    pub fn select(&self, artifacts: &[Artifact]) -> Vec<BuiltFile> {
        let mut files: Vec<BuiltFile> = Vec::new();
        for artifact in artifacts {
            for file in self.program(artifact).into_iter().chain(self.libraries(artifact)) {
                if !files.iter().any(|known| known.path == file.path) {
                    files.push(file);
                }
            }
        }
        files.sort_by(|one, other| test_order(&one.kind).cmp(&test_order(&other.kind)));
        files
    }

    /// The package and the target that a message is about, if the project has them and the request asks for the package.
    fn known_target(&self, artifact: &Artifact) -> Option<(&Package, &Target)> {
        let package = self.metadata.packages.iter().find(|package| package.manifest_path == artifact.manifest_path)?;
        let same = |target: &&Target| target.name == artifact.target.name && target.kind == artifact.target.kind;
        let target = package.targets.iter().find(same)?;
        self.wants_package(package).then_some((package, target))
    }

    fn program(&self, artifact: &Artifact) -> Option<BuiltFile> {
        let executable = artifact.executable.as_ref()?.as_std_path();
        let (package, target) = self.known_target(artifact)?;
        let harness = artifact.profile.test;
        let target_kind = self.wanted_kind(target, harness)?;
        let (file, relative) = self.built_file(executable)?;
        let (triple, below) = self.split_triple(&relative);
        let in_place = match (target_kind, harness, &self.below_profile(below)?[..]) {
            ("bin", false, [file]) => stem(file) == target.name,
            ("example", false, ["examples", file]) => stem(file) == target.name,
            (_, true, ["deps" | "examples", file]) => {
                stem(file).rsplit_once('-').is_some_and(|(stem, _)| stem == crate_name(&target.name))
            }
            _ => false,
        };
        if !in_place {
            return None;
        }
        let folder = package.manifest_path.as_std_path().parent()?;
        let directory = folder.strip_prefix(self.source).ok()?.to_str()?.to_owned();
        let source = artifact.target.src_path.as_std_path().strip_prefix(folder).ok().and_then(Path::to_str);
        let tested = source
            .filter(|_| harness)
            .map(|source| TargetRef { kind: protocol_kind(&target.kind), source: source.to_owned() });
        let kind = FileKind::Executable {
            name: target.name.clone(),
            target_kind: target_kind.to_owned(),
            package: PackageRef { name: package.name.to_string(), version: package.version.to_string(), directory },
            target: triple.map(str::to_owned),
            tested,
        };
        Some(BuiltFile { file, path: relative, kind })
    }

    /// The libraries for other languages among an artifact's files.
    fn libraries(&self, artifact: &Artifact) -> Vec<BuiltFile> {
        let Request { command, options, details, .. } = self.request;
        let names_no_target = !(options.bins || options.examples || options.tests || options.benches)
            && [&options.bin, &options.example, &options.test, &options.bench].iter().all(|list| list.is_empty());
        let wanted = *command == Command::Build
            && details.to_target_dir
            && (options.lib || options.all_targets || names_no_target);
        if !wanted || !is_foreign_library(&artifact.target) {
            return Vec::new();
        }
        let Some((_, target)) = self.known_target(artifact) else { return Vec::new() };
        let name = crate_name(&target.name);
        let library = |file: &Path| {
            let (file, path) = self.built_file(file)?;
            let [file_name] = self.below_profile(self.split_triple(&path).1)?[..] else { return None };
            let (stem, extension) = file_name.split_once('.').unwrap_or((file_name, ""));
            // Rust's own libraries are of no use without the compiler that made them.
            let foreign = !matches!(extension, "rlib" | "rmeta" | "d");
            let named = stem.strip_prefix("lib").unwrap_or(stem) == name;
            (foreign && named).then_some(BuiltFile { file, path, kind: FileKind::File })
        };
        artifact.filenames.iter().filter_map(|file| library(file.as_std_path())).collect()
    }

    /// A regular file in the target directory, and its path below it. `None` for a symbolic link or a folder, because
    /// cargo makes neither for an artifact.
    fn built_file(&self, path: &Path) -> Option<(PathBuf, String)> {
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
        // In a package's folder cargo builds that package; at the workspace's root, the default members.
        let is_here = |other: &&Package| other.manifest_path.as_std_path().parent() == Some(self.directory);
        let here = self.metadata.packages.iter().find(is_here);
        let defaults = &self.metadata.workspace_default_members;
        // Cargo before 1.71 doesn't print the default members.
        let defaults = if defaults.is_available() { &defaults[..] } else { &[] };
        match here {
            Some(here) if defaults.is_empty() || self.metadata.workspace_root.as_std_path() != self.directory => {
                package.id == here.id
            }
            _ if defaults.is_empty() => member,
            _ => defaults.contains(&package.id),
        }
    }

    /// The kind under which the device gets a program, if the request asks for it. `harness`: whether the program was
    /// compiled with the test harness.
    fn wanted_kind(&self, target: &Target, harness: bool) -> Option<&'static str> {
        match self.request.command {
            // Cargo has chosen the tests. Other programs are there for the tests to start.
            Command::Test if harness => Some("test"),
            Command::Bench if harness => Some("bench"),
            Command::Test | Command::Bench => target.is_bin().then_some("bin"),
            Command::Run => target.is_example().then_some("example").or(target.is_bin().then_some("bin")),
            _ => self.wanted_kind_of_build(target, harness),
        }
    }

    fn wanted_kind_of_build(&self, target: &Target, harness: bool) -> Option<&'static str> {
        let options = &self.request.options;
        let (tests, benches) = (options.tests || options.all_targets, options.benches || options.all_targets);
        let named = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, &target.name));
        if target.is_test() {
            return (tests || named(&options.test)).then_some("test");
        }
        if target.is_bench() {
            return (benches || named(&options.bench)).then_some("bench");
        }
        if harness {
            let unit = tests || benches;
            return unit.then_some(if tests { "test" } else { "bench" });
        }
        if target.is_example() {
            return (options.examples || options.all_targets || named(&options.example)).then_some("example");
        }
        // Cargo builds the package's programs for integration tests and benchmarks, which start them.
        let started = tests || benches || !(options.test.is_empty() && options.bench.is_empty());
        if started && self.request.details.to_target_dir {
            return target.is_bin().then_some("bin");
        }
        let any = options.lib || options.examples || started || !options.example.is_empty();
        let bins = options.bins || options.all_targets || named(&options.bin) || (options.bin.is_empty() && !any);
        (target.is_bin() && bins).then_some("bin")
    }

    /// Splits a path below the target directory into the folder of a target triple, if it begins with one that the request
    /// names, and the rest.
    fn split_triple<'p>(&self, path: &'p str) -> (Option<&'p str>, &'p str) {
        match path.split_once('/') {
            Some((first, rest)) if self.request.options.target.iter().any(|target| target == first) => {
                (Some(first), rest)
            }
            _ => (None, path),
        }
    }

    /// The parts of a path after the folder of the request's profile. `None` if it doesn't begin with that folder.
    fn below_profile<'p>(&self, path: &'p str) -> Option<Vec<&'p str>> {
        let mut parts = path.split('/');
        let profile = parts.next()?;
        (profile == profile_folder(self.request.command, &self.request.options)).then(|| parts.collect())
    }
}

/// The place of a test program in cargo's order: by package, target and name. `None` for every other file, which comes
/// before test programs.
fn test_order(kind: &FileKind) -> Option<(&str, &TargetRef, &str)> {
    let FileKind::Executable { name, package, tested: Some(tested), .. } = kind else { return None };
    Some((&package.name, tested, name))
}

fn protocol_kind(kinds: &[TargetKind]) -> protocol::TargetKind {
    match kinds.first() {
        Some(TargetKind::Bin) => protocol::TargetKind::Bin,
        Some(TargetKind::Test) => protocol::TargetKind::Test,
        Some(TargetKind::Bench) => protocol::TargetKind::Bench,
        Some(TargetKind::Example) => protocol::TargetKind::Example,
        _ => protocol::TargetKind::Lib,
    }
}

/// A target's name in the form that file names have it.
fn crate_name(target: &str) -> String {
    target.replace('-', "_")
}

/// A program's file name without the extension that some targets add.
fn stem(file: &str) -> &str {
    file.strip_suffix(".exe").or_else(|| file.strip_suffix(".wasm")).unwrap_or(file)
}

#[cfg(test)]
mod tests;

//! Cargo's flags as data. The client reads them from its command line; the builder passes them to cargo.

use serde::{Deserialize, Serialize};

use crate::InvalidRequest;

/// The flags of `cargo build` and similar commands, each with cargo's meaning. A flag that only the client acts on
/// (`--manifest-path`) is not included.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CargoOptions {
    /// Values of `-p`/`--package`: the packages to build, as package id specs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub package: Vec<String>,
    /// `--workspace`: build all members of the workspace.
    #[serde(skip_serializing_if = "is_false")]
    pub workspace: bool,
    /// Values of `--exclude`: packages to leave out of `--workspace`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// `--lib`: build the library of the package.
    #[serde(skip_serializing_if = "is_false")]
    pub lib: bool,
    /// `--bins`: build all binaries of the package.
    #[serde(skip_serializing_if = "is_false")]
    pub bins: bool,
    /// Values of `--bin`: names of binaries; an empty one asks cargo for the list.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bin: Vec<String>,
    /// `--examples`: build all examples of the package.
    #[serde(skip_serializing_if = "is_false")]
    pub examples: bool,
    /// Values of `--example`: names of examples; an empty one asks cargo for the list.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub example: Vec<String>,
    /// `--tests`: build all targets that have `test = true`.
    #[serde(skip_serializing_if = "is_false")]
    pub tests: bool,
    /// Values of `--test`: names of integration tests.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub test: Vec<String>,
    /// `--benches`: build all targets that have `bench = true`.
    #[serde(skip_serializing_if = "is_false")]
    pub benches: bool,
    /// Values of `--bench`: names of benchmarks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bench: Vec<String>,
    /// `--all-targets`: build libraries, binaries, examples, tests and benchmarks.
    #[serde(skip_serializing_if = "is_false")]
    pub all_targets: bool,
    /// Values of `-F`/`--features`, one feature per element.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
    /// `--all-features`: turn on every feature of the selected packages.
    #[serde(skip_serializing_if = "is_false")]
    pub all_features: bool,
    /// `--no-default-features`: leave the `default` feature off.
    #[serde(skip_serializing_if = "is_false")]
    pub no_default_features: bool,
    /// Values of `--target`; empty means the builder's own triple.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub target: Vec<String>,
    /// `-r`/`--release`: build with the release profile.
    #[serde(skip_serializing_if = "is_false")]
    pub release: bool,
    /// Value of `--profile`: the name of the profile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Value of `-j` as typed (cargo takes negative numbers and `default`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jobs: Option<String>,
    /// `--keep-going`: build what doesn't depend on a crate that failed.
    #[serde(skip_serializing_if = "is_false")]
    pub keep_going: bool,
    /// `--locked`: fail if `Cargo.lock` would change.
    #[serde(skip_serializing_if = "is_false")]
    pub locked: bool,
    /// `--offline`: let cargo use no network.
    #[serde(skip_serializing_if = "is_false")]
    pub offline: bool,
    /// `--frozen`: the same as `--locked` and `--offline` together.
    #[serde(skip_serializing_if = "is_false")]
    pub frozen: bool,
    /// Values of `--config`: `KEY=VALUE`, or a file that is part of the source.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub config: Vec<String>,
    /// Values of `-Z`: unstable flags of a nightly cargo.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unstable: Vec<String>,
    /// How often `-v`/`--verbose` was given.
    #[serde(skip_serializing_if = "is_zero")]
    pub verbose: u8,
    /// `-q`/`--quiet`: print no status lines.
    #[serde(skip_serializing_if = "is_false")]
    pub quiet: bool,
    /// Whether cargo prints in colour. The client decides, because only the client has a terminal.
    #[serde(skip_serializing_if = "is_false")]
    pub color: bool,
    /// Values of `--message-format` as typed; empty means messages for people.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub message_format: Vec<String>,
    /// `--ignore-rust-version`: ignore the `rust-version` of packages.
    #[serde(skip_serializing_if = "is_false")]
    pub ignore_rust_version: bool,
    /// `--future-incompat-report`: print the report on code that a later compiler will refuse.
    #[serde(skip_serializing_if = "is_false")]
    pub future_incompat_report: bool,
    /// `--timings`: write an HTML report on how long each crate took.
    #[serde(skip_serializing_if = "is_false")]
    pub timings: bool,
    /// `--artifact-dir`: bring copies for that folder. Only the client knows which folder it is.
    #[serde(skip_serializing_if = "is_false")]
    pub artifact_dir: bool,
    /// `--no-run` of `test` and `bench`: compile, but don't run.
    #[serde(skip_serializing_if = "is_false")]
    pub no_run: bool,
    /// `--no-fail-fast` of `test` and `bench`: run all of them although one failed.
    #[serde(skip_serializing_if = "is_false")]
    pub no_fail_fast: bool,
    /// `--doc` of `test`: run the documentation tests only.
    #[serde(skip_serializing_if = "is_false")]
    pub doc: bool,
    /// `--no-deps` of `doc` and `clippy`: leave dependencies out.
    #[serde(skip_serializing_if = "is_false")]
    pub no_deps: bool,
    /// `--document-private-items` of `doc`: document private items too.
    #[serde(skip_serializing_if = "is_false")]
    pub document_private_items: bool,
}

/// Refuses a triple that could be taken for a flag or a path.
pub(crate) fn check_triple(triple: &str) -> Result<(), InvalidRequest> {
    let named = !triple.is_empty()
        && !triple.starts_with(['-', '.'])
        && triple.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    if named {
        return Ok(());
    }
    let triple: String = triple.chars().take(80).collect();
    Err(InvalidRequest::Refused(format!("`{triple}` is not a target triple")))
}

/// A flag with its value.
fn with(flag: &str, value: &str) -> String {
    if value.is_empty() { flag.to_owned() } else { format!("{flag}={value}") }
}

fn is_false(flag: &bool) -> bool {
    !flag
}

fn is_zero(count: &u8) -> bool {
    *count == 0
}

impl CargoOptions {
    /// The flags as arguments for cargo. Each value is joined to its flag, so that no value can be taken for a flag. An
    /// empty value gives the flag alone: `--bin` without a name makes cargo list the binaries.
    /// The builder adds `--target`, `--message-format`, `--color` and `--artifact-dir` itself.
    pub fn to_args(&self) -> Vec<String> {
        let mut args = Vec::new();
        let flags = [
            ("--workspace", self.workspace),
            ("--lib", self.lib),
            ("--bins", self.bins),
            ("--examples", self.examples),
            ("--tests", self.tests),
            ("--benches", self.benches),
            ("--all-targets", self.all_targets),
            ("--all-features", self.all_features),
            ("--no-default-features", self.no_default_features),
            ("--release", self.release),
            ("--keep-going", self.keep_going),
            ("--locked", self.locked),
            ("--offline", self.offline),
            ("--frozen", self.frozen),
            ("--quiet", self.quiet),
            ("--ignore-rust-version", self.ignore_rust_version),
            ("--future-incompat-report", self.future_incompat_report),
            ("--timings", self.timings),
            ("--no-run", self.no_run),
            ("--no-fail-fast", self.no_fail_fast),
            ("--doc", self.doc),
            ("--no-deps", self.no_deps),
            ("--document-private-items", self.document_private_items),
        ];
        args.extend(flags.into_iter().filter(|(_, set)| *set).map(|(flag, _)| flag.to_owned()));
        let lists = [
            ("--package", &self.package),
            ("--exclude", &self.exclude),
            ("--bin", &self.bin),
            ("--example", &self.example),
            ("--test", &self.test),
            ("--bench", &self.bench),
            ("--features", &self.features),
            ("--config", &self.config),
        ];
        for (flag, values) in lists {
            args.extend(values.iter().map(|value| with(flag, value)));
        }
        args.extend(self.profile.iter().map(|value| format!("--profile={value}")));
        args.extend(self.jobs.iter().map(|value| format!("--jobs={value}")));
        args.extend(self.unstable.iter().map(|value| format!("-Z{value}")));
        args.extend((0..self.verbose.min(2)).map(|_| "--verbose".to_owned()));
        args
    }

    /// Refuses what no cargo would take and what would reach outside the build.
    pub(crate) fn check(&self) -> Result<(), InvalidRequest> {
        self.target.iter().try_for_each(|triple| check_triple(triple))?;
        let texts = [
            &self.package,
            &self.exclude,
            &self.bin,
            &self.example,
            &self.test,
            &self.bench,
            &self.features,
            &self.config,
            &self.unstable,
            &self.message_format,
        ];
        let control = |text: &String| text.chars().any(|c| c == '\0');
        if texts.iter().any(|list| list.iter().any(control))
            || self.profile.as_ref().is_some_and(control)
            || self.jobs.as_ref().is_some_and(control)
        {
            return Err(InvalidRequest::Refused("a flag contains a NUL character".to_owned()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_never_passes_for_a_flag() {
        let options = CargoOptions {
            bin: vec!["--target-dir=/etc".to_owned()],
            test: vec![String::new()],
            verbose: 200,
            unstable: vec!["unstable-options".to_owned()],
            ..CargoOptions::default()
        };
        assert_eq!(
            options.to_args(),
            ["--bin=--target-dir=/etc", "--test", "-Zunstable-options", "--verbose", "--verbose"]
        );
    }

    #[test]
    fn a_target_that_is_a_path_is_refused() {
        for target in ["../evil.json", "/etc/passwd", "-Zx", "", "a\0b"] {
            let options = CargoOptions { target: vec![target.to_owned()], ..CargoOptions::default() };
            assert!(options.check().is_err(), "{target}");
        }
    }
}

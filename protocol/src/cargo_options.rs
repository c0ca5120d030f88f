//! Cargo's flags, as data: the client reads them from its command line, the builder writes them onto cargo's.

use serde::{Deserialize, Serialize};

use crate::InvalidRequest;

/// Flags of `cargo build` and its kin, each with cargo's meaning. A flag that only the client acts on (`--manifest-path`) is not here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CargoOptions {
    /// `-p`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub package: Vec<String>,
    /// `--workspace`.
    #[serde(skip_serializing_if = "is_false")]
    pub workspace: bool,
    /// `--exclude`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// `--lib`.
    #[serde(skip_serializing_if = "is_false")]
    pub lib: bool,
    /// `--bins`.
    #[serde(skip_serializing_if = "is_false")]
    pub bins: bool,
    /// `--bin`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bin: Vec<String>,
    /// `--examples`.
    #[serde(skip_serializing_if = "is_false")]
    pub examples: bool,
    /// `--example`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub example: Vec<String>,
    /// `--tests`.
    #[serde(skip_serializing_if = "is_false")]
    pub tests: bool,
    /// `--test`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub test: Vec<String>,
    /// `--benches`.
    #[serde(skip_serializing_if = "is_false")]
    pub benches: bool,
    /// `--bench`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bench: Vec<String>,
    /// `--all-targets`.
    #[serde(skip_serializing_if = "is_false")]
    pub all_targets: bool,
    /// `-F`, one feature an element.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
    /// `--all-features`.
    #[serde(skip_serializing_if = "is_false")]
    pub all_features: bool,
    /// `--no-default-features`.
    #[serde(skip_serializing_if = "is_false")]
    pub no_default_features: bool,
    /// `--target`; empty: the builder's own machine.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub target: Vec<String>,
    /// `-r`.
    #[serde(skip_serializing_if = "is_false")]
    pub release: bool,
    /// `--profile`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// `-j`, as written (cargo takes negative numbers and `default`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jobs: Option<String>,
    /// `--keep-going`.
    #[serde(skip_serializing_if = "is_false")]
    pub keep_going: bool,
    /// `--locked`.
    #[serde(skip_serializing_if = "is_false")]
    pub locked: bool,
    /// `--offline`.
    #[serde(skip_serializing_if = "is_false")]
    pub offline: bool,
    /// `--frozen`.
    #[serde(skip_serializing_if = "is_false")]
    pub frozen: bool,
    /// `--config`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub config: Vec<String>,
    /// `-Z`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unstable: Vec<String>,
    /// `-v`, how often.
    #[serde(skip_serializing_if = "is_zero")]
    pub verbose: u8,
    /// `-q`.
    #[serde(skip_serializing_if = "is_false")]
    pub quiet: bool,
    /// Whether what cargo prints is to be coloured: the client knows its terminal, the builder has none.
    #[serde(skip_serializing_if = "is_false")]
    pub color: bool,
    /// `--message-format`, as written; empty: for people.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub message_format: Vec<String>,
    /// `--ignore-rust-version`.
    #[serde(skip_serializing_if = "is_false")]
    pub ignore_rust_version: bool,
    /// `--future-incompat-report`.
    #[serde(skip_serializing_if = "is_false")]
    pub future_incompat_report: bool,
    /// `--timings`.
    #[serde(skip_serializing_if = "is_false")]
    pub timings: bool,
    /// `--artifact-dir`; which folder, the client knows.
    #[serde(skip_serializing_if = "is_false")]
    pub artifact_dir: bool,
    /// `--no-run` of `test` and `bench`.
    #[serde(skip_serializing_if = "is_false")]
    pub no_run: bool,
    /// `--no-fail-fast` of `test` and `bench`.
    #[serde(skip_serializing_if = "is_false")]
    pub no_fail_fast: bool,
    /// `--doc` of `test`.
    #[serde(skip_serializing_if = "is_false")]
    pub doc: bool,
    /// `--no-deps` of `doc` and `clippy`.
    #[serde(skip_serializing_if = "is_false")]
    pub no_deps: bool,
    /// `--document-private-items` of `doc`.
    #[serde(skip_serializing_if = "is_false")]
    pub document_private_items: bool,
}

/// Refuses a triple that could pass for a flag or a path.
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
    /// The flags as cargo's arguments, each value in the argument of its flag, so that none can pass for a flag. An empty
    /// value is a flag without one: `--bin` alone makes cargo list what there is.
    /// Left to the builder, who decides them: `--target`, `--message-format`, `--color`, `--artifact-dir`.
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
            return Err(InvalidRequest::Refused("a flag holds a NUL character".to_owned()));
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

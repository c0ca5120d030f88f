//! What is to be installed, where that is not the project one stands in.

use serde::{Deserialize, Serialize};

use crate::InvalidRequest;

/// What stands in package ids (`path+file://…`) for the folder of the source, which lies elsewhere on the builder than on
/// the device.
pub const SOURCE_URL: &str = "path+file:///cargo-cloud-source";

/// The flags of `cargo install` that `cargo build` has not, each with cargo's meaning, and what the device has already.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct InstallRequest {
    /// Crates, as written: `NAME` or `NAME@VERSION`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub crates: Vec<String>,
    /// `--version`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// `--git`: where to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git: Option<String>,
    /// `--branch`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// `--tag`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// `--rev`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rev: Option<String>,
    /// `--index`: where to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
    /// `--registry`, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry: Option<String>,
    /// `--path`: the source that was sent is installed, from the request's directory.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub path: bool,
    /// `--force`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
    /// `--no-track`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub no_track: bool,
    /// `--debug`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub debug: bool,
    /// `--dry-run`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// What is installed on the device, so that cargo itself decides what is up to date and what is in the way.
    pub installed: Installed,
}

/// The device's install root.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Installed {
    /// `.crates.toml`, with [`SOURCE_URL`] for the folder of the source; empty where there is none.
    pub crates_toml: String,
    /// `.crates2.json`, likewise.
    pub crates2_json: String,
    /// The names in `bin`.
    pub bin: Vec<String>,
    /// Whether the device's shell finds programs in `bin`: if not, cargo warns.
    pub in_path: bool,
}

impl InstallRequest {
    /// `cargo install`'s arguments for these flags, each value in the argument of its flag; `--path` is left to the
    /// builder, who knows where.
    pub fn to_args(&self) -> Vec<String> {
        let values = [
            ("--version", &self.version),
            ("--git", &self.git),
            ("--branch", &self.branch),
            ("--tag", &self.tag),
            ("--rev", &self.rev),
            ("--index", &self.index),
            ("--registry", &self.registry),
        ];
        let flags = [
            ("--force", self.force),
            ("--no-track", self.no_track),
            ("--debug", self.debug),
            ("--dry-run", self.dry_run),
        ];
        let mut args: Vec<String> =
            values.into_iter().filter_map(|(flag, value)| Some(format!("{flag}={}", value.as_ref()?))).collect();
        args.extend(flags.into_iter().filter(|(_, set)| *set).map(|(flag, _)| flag.to_owned()));
        if !self.crates.is_empty() {
            args.push("--".to_owned());
            args.extend(self.crates.iter().cloned());
        }
        args
    }

    /// Refuses what could reach outside the build.
    ///
    /// # Errors
    /// Names that are paths, and addresses of the builder's own files.
    pub fn check(&self) -> Result<(), InvalidRequest> {
        let texts = [&self.version, &self.git, &self.branch, &self.tag, &self.rev, &self.index, &self.registry];
        if texts.into_iter().flatten().chain(&self.crates).any(|text| text.contains('\0')) {
            return Err(InvalidRequest::Refused("a flag holds a NUL character".to_owned()));
        }
        // A file's URL would read what lies on the builder, not on the device.
        for url in [&self.git, &self.index].into_iter().flatten() {
            let scheme = url.split_once("://").map(|(scheme, _)| scheme.rsplit('+').next().unwrap_or(scheme));
            if !matches!(scheme, Some("https" | "http" | "ssh" | "git")) {
                let url: String = url.chars().take(120).collect();
                return Err(InvalidRequest::Refused(format!(
                    "`{url}` is no address the builder can reach: it takes https, http, ssh and git; a folder of this \
                     device is installed with `--path`"
                )));
            }
        }
        let single = |name: &String| !matches!(name.as_str(), "" | "." | "..") && !name.contains(['/', '\0']);
        if !self.installed.bin.iter().all(single) {
            return Err(InvalidRequest::Refused("the names of what is installed are malformed".to_owned()));
        }
        Ok(())
    }
}

/// A folder's path as cargo writes it into a package id's URL (url.spec.whatwg.org, path percent-encode set).
pub fn file_url(path: &str) -> String {
    let mut url = "path+file://".to_owned();
    for byte in path.bytes() {
        if byte.is_ascii_graphic() && !b"\"#<>?`{}^%\\".contains(&byte) {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
    }
    url
}

/// The text of a record with `to` in the place of the folder `from` in package ids, and in those of folders below it.
pub fn move_source(record: &str, from: &str, to: &str) -> String {
    let mut out = String::with_capacity(record.len());
    let mut rest = record;
    while let Some(at) = rest.find(from) {
        let after = &rest[at + from.len()..];
        out.push_str(&rest[..at]);
        out.push_str(if after.starts_with([')', '/']) { to } else { from });
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_has_a_place_on_either_side() {
        assert_eq!(file_url("/home/me/my tool%ü"), "path+file:///home/me/my%20tool%25%C3%BC");
        let record = r#""a 1.0.0 (path+file:///w/s)" "b 1.0.0 (path+file:///w/s/b)" "c 1.0.0 (path+file:///w/s-2)""#;
        let moved = move_source(record, &file_url("/w/s"), SOURCE_URL);
        assert_eq!(moved.matches(SOURCE_URL).count(), 2, "{moved}");
        assert!(moved.contains("(path+file:///w/s-2)"));
        assert_eq!(move_source(&moved, SOURCE_URL, &file_url("/w/s")), record);
    }

    #[test]
    fn a_crate_never_passes_for_a_flag() {
        let install = InstallRequest {
            crates: vec!["--root=/etc".to_owned()],
            tag: Some("--v1".to_owned()),
            force: true,
            ..InstallRequest::default()
        };
        assert_eq!(install.to_args(), ["--tag=--v1", "--force", "--", "--root=/etc"]);
    }

    #[test]
    fn files_of_the_builder_are_no_sources() {
        let git = |url: &str| InstallRequest { git: Some(url.to_owned()), ..InstallRequest::default() }.check();
        for url in ["https://example.com/x.git", "ssh://git@example.com/x", "git://example.com/x"] {
            assert!(git(url).is_ok(), "{url}");
        }
        for url in ["file:///etc", "/etc", "../x", "git@example.com:x"] {
            assert!(git(url).is_err(), "{url}");
        }
        let installed = Installed { bin: vec!["../x".to_owned()], ..Installed::default() };
        assert!(InstallRequest { installed, ..InstallRequest::default() }.check().is_err());
    }
}

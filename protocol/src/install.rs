//! What `cargo cloud install` asks the builder to install.

use serde::{Deserialize, Serialize};

use crate::InvalidRequest;

/// Placeholder in package ids (`path+file://…`) for the folder of the source, whose path differs between builder and
/// device.
pub const SOURCE_URL: &str = "path+file:///cargo-cloud-source";

/// The flags that only `cargo install` has, each with cargo's meaning, and the programs that the device has already.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct InstallRequest {
    /// The crates as typed: `NAME` or `NAME@VERSION`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub crates: Vec<String>,
    /// Value of `--version`: a version or a requirement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Value of `--git`: the URL of the repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git: Option<String>,
    /// Value of `--branch`: a branch of that repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Value of `--tag`: a tag of that repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Value of `--rev`: a commit of that repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rev: Option<String>,
    /// Value of `--index`: the URL of a registry's index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
    /// Value of `--registry`: the name of a configured registry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry: Option<String>,
    /// `--path`: install the source that was sent, from the request's directory.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub path: bool,
    /// `--force`: overwrite programs of other packages, and build again what is up to date.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
    /// `--no-track`: keep no record of what was installed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub no_track: bool,
    /// `--debug`: build with the dev profile.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub debug: bool,
    /// `--dry-run`: say what would be installed, and build nothing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// The programs on the device, so that cargo itself decides what is up to date and what is in the way.
    pub installed: Installed,
}

/// The state of the device's install root.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Installed {
    /// Text of `.crates.toml`, with [`SOURCE_URL`] for the folder of the source; empty if there is no such file.
    pub crates_toml: String,
    /// Text of `.crates2.json`, with the same placeholder; empty if there is no such file.
    pub crates2_json: String,
    /// Names of the files in the folder `bin`.
    pub bin: Vec<String>,
    /// Whether `bin` is in the device's `PATH`; if not, cargo warns.
    pub in_path: bool,
}

impl InstallRequest {
    /// The arguments of `cargo install` for these flags. Each value is joined to its flag; the builder adds `--path`.
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

    /// Refuses values that could reach outside the build.
    ///
    /// # Errors
    /// For names that are paths, and for URLs of files on the builder.
    pub fn check(&self) -> Result<(), InvalidRequest> {
        let texts = [&self.version, &self.git, &self.branch, &self.tag, &self.rev, &self.index, &self.registry];
        if texts.into_iter().flatten().chain(&self.crates).any(|text| text.contains('\0')) {
            return Err(InvalidRequest::Refused("a flag contains a NUL character".to_owned()));
        }
        // A file URL would read a file of the builder, not of the device.
        for url in [&self.git, &self.index].into_iter().flatten() {
            let scheme = url.split_once("://").map(|(scheme, _)| scheme.rsplit('+').next().unwrap_or(scheme));
            if !matches!(scheme, Some("https" | "http" | "ssh" | "git")) {
                let url: String = url.chars().take(120).collect();
                return Err(InvalidRequest::Refused(format!(
                    "the builder can't reach `{url}`: it accepts https, http, ssh and git URLs; install a folder of this \
                     device with `--path`"
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

/// The path of a folder as cargo writes it in the URL of a package id (url.spec.whatwg.org, path percent-encode set).
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

/// Replaces the folder `from` by `to` in the package ids of a record, also for folders below it.
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
    fn the_source_folder_is_translated_in_both_directions() {
        assert_eq!(file_url("/home/me/my tool%ü"), "path+file:///home/me/my%20tool%25%C3%BC");
        let record = r#""a 1.0.0 (path+file:///w/s)" "b 1.0.0 (path+file:///w/s/b)" "c 1.0.0 (path+file:///w/s-2)""#;
        let moved = move_source(record, &file_url("/w/s"), SOURCE_URL);
        assert_eq!(moved.matches(SOURCE_URL).count(), 2, "{moved}");
        assert!(moved.contains("(path+file:///w/s-2)"));
        assert_eq!(move_source(&moved, SOURCE_URL, &file_url("/w/s")), record);
    }

    #[test]
    fn a_crate_name_is_never_taken_for_a_flag() {
        let install = InstallRequest {
            crates: vec!["--root=/etc".to_owned()],
            tag: Some("--v1".to_owned()),
            force: true,
            ..InstallRequest::default()
        };
        assert_eq!(install.to_args(), ["--tag=--v1", "--force", "--", "--root=/etc"]);
    }

    #[test]
    fn file_urls_are_refused_as_sources() {
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

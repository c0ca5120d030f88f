//! `CRATE[@VERSION]`, refused where cargo refuses it, in cargo's words.

use anyhow::bail;
use semver::{Version, VersionReq};

/// A crate to install, from a registry or out of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrateSpec {
    /// The name as typed; [`CrateSpec::check_name`] checks it.
    pub name: String,
    /// The version or requirement after the `@`.
    pub version: Option<String>,
}

impl CrateSpec {
    /// The specification as it was typed.
    pub fn text(&self) -> String {
        match &self.version {
            Some(version) => format!("{}@{version}", self.name),
            None => self.name.clone(),
        }
    }

    /// Refuses a name that no package can have, in cargo's words.
    pub fn check_name(&self) -> anyhow::Result<()> {
        let name = &self.name;
        if let Some(toolchain) = name.strip_prefix('+') {
            bail!(
                "invalid character `+` in package name: `{name}`\n    Use `cargo +{toolchain} cloud install` if you meant to use \
                 the `{toolchain}` toolchain."
            );
        }
        if name.starts_with("http://") || name.starts_with("https://") {
            bail!(
                "invalid package name: `{name}`\n    Use `cargo cloud install --git {name}` if you meant to install from a git \
                 repository."
            );
        }
        if name == "." {
            bail!(
                "to install the binaries for the package in current working directory use `cargo cloud install --path .`. \n\
                 use `cargo cloud build --no-install` if you want to simply build the package."
            );
        }
        // XID_Start and XID_Continue, except for a few characters that no crate's name has.
        for (at, c) in name.chars().enumerate() {
            let why = match at {
                0 if c.is_ascii_digit() => "the name cannot start with a digit",
                0 if !(c.is_alphabetic() || c == '_') => {
                    "the first character must be a Unicode XID start character (most letters or `_`)"
                }
                0 => continue,
                _ if c.is_alphanumeric() || matches!(c, '-' | '_') => continue,
                _ => "characters must be Unicode XID characters (numbers, `-`, `_`, or most letters)",
            };
            bail!("invalid character `{c}` in package name: `{name}`, {why}");
        }
        Ok(())
    }
}

/// Parses `NAME` or `NAME@VERSION`, for clap.
pub fn crate_spec(text: &str) -> Result<CrateSpec, String> {
    let (name, version) = match text.split_once('@') {
        Some(("", _)) => return Err("missing crate name before '@'".to_owned()),
        Some((name, version)) => (name, Some(crate_version(version)?)),
        None => (text, None),
    };
    if name.is_empty() {
        return Err("crate name is empty".to_owned());
    }
    Ok(CrateSpec { name: name.to_owned(), version })
}

/// Checks a version, or a requirement that begins with an operator, for clap.
pub fn crate_version(text: &str) -> Result<String, String> {
    let Some(first) = text.chars().next() else {
        return Err("no version provided for the `--version` flag".to_owned());
    };
    if let Some(bare) = text.strip_prefix('v') {
        return Err(format!(
            "the version provided, `{text}` is not a valid SemVer requirement\n\nhelp: try changing the version to `{bare}`"
        ));
    }
    let requirement = VersionReq::parse(text).is_ok();
    if "<>=^~".contains(first) || text.contains('*') {
        return if requirement {
            Ok(text.to_owned())
        } else {
            Err(format!(
                "the `--version` provided, `{text}`, is not a valid semver version requirement\n\nPlease have a look at \
                 https://doc.rust-lang.org/cargo/reference/specifying-dependencies.html for the correct format"
            ))
        };
    }
    match Version::parse(text.trim()) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) if requirement => Err(format!(
            "{error}\n\n  tip: if you want to specify SemVer range, add an explicit qualifier, like '^{text}'"
        )),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crate_specifications_parse_as_in_cargo() {
        for text in ["tool", "tool@1.0.0", "tool@^1", "tool@>=1, <2", "tool@*", "tool@1.0.0-rc.1"] {
            assert_eq!(crate_spec(text).unwrap().text(), text);
        }
        for (text, word) in [
            ("", "empty"),
            ("@1", "before '@'"),
            ("a@", "no version"),
            ("a@1", "like '^1'"),
            ("a@v1.0.0", "to `1.0.0`"),
            ("a@^x", "requirement"),
            ("a@x", "unexpected"),
        ] {
            let error = crate_spec(text).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn invalid_names_are_refused() {
        let check = |name: &str| crate_spec(name).unwrap().check_name();
        assert!(check("some_tool-2").is_ok());
        for (name, word) in [
            ("+nightly", "cargo +nightly cloud install"),
            ("https://x/y", "--git https://x/y"),
            (".", "--path ."),
            ("1x", "a digit"),
            ("-x", "start character"),
            ("a/b", "`/`"),
            ("tool1.0", "`.`"),
        ] {
            let error = check(name).unwrap_err().to_string();
            assert!(error.contains(word), "{name}: {error}");
        }
    }
}

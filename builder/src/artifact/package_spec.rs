//! Package id specifications, as `--package` and `--exclude` take them (doc.rust-lang.org/cargo, package id
//! specifications).

use std::path::Path;

use cargo_metadata::Package;
use glob::Pattern;

/// Whether a specification means this package.
pub(super) fn names(spec: &str, package: &Package) -> bool {
    let (url, fragment) = match spec.rsplit_once('#') {
        Some((url, fragment)) => (Some(url), fragment),
        None if spec.contains("://") => (Some(spec), ""),
        None => (None, spec),
    };
    if let Some(url) = url {
        let path = url.strip_prefix("path+").unwrap_or(url).strip_prefix("file://");
        if path.is_none_or(|path| package.manifest_path.as_std_path().parent() != Some(Path::new(path))) {
            return false;
        }
    }
    if fragment.is_empty() {
        return url.is_some();
    }
    let (name, version) = match fragment.split_once(['@', ':']) {
        Some((name, version)) => (name, Some(version)),
        None if fragment.starts_with(|c: char| c.is_ascii_digit()) => (package.name.as_str(), Some(fragment)),
        None => (fragment, None),
    };
    matches(name, &package.name) && version.is_none_or(|version| is_version(&package.version.to_string(), version))
}

/// Whether `wanted` means this version: `1.2` means every 1.2.x.
fn is_version(version: &str, wanted: &str) -> bool {
    version == wanted || version.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('.'))
}

/// Whether a name matches a pattern with cargo's wildcards.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    pattern == name || Pattern::new(pattern).is_ok_and(|pattern| pattern.matches(name))
}

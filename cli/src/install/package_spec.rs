//! Package ID specifications, as `uninstall` takes them (source: doc.rust-lang.org/cargo, "Package ID Specifications").

use anyhow::{Context, bail};
use semver::Version;

use super::package_id::PackageId;

/// How many edits a name may be away from the typed one to be suggested.
const SIMILAR: usize = 3;

/// A specification that selects one installed package.
#[derive(Debug)]
pub struct PackageSpec {
    name: String,
    /// A version or the beginning of one (`1`, `1.2` or `1.2.3`), as typed.
    version: Option<String>,
    kind: Option<String>,
    url: Option<String>,
    text: String,
}

impl PackageSpec {
    /// Parses a specification.
    ///
    /// # Errors
    /// If it is malformed, in cargo's words.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let spec = Self { name: String::new(), version: None, kind: None, url: None, text: text.to_owned() };
        let Some((scheme, _)) = text.split_once("://") else { return spec.named(text) };
        let (url, fragment) = text.split_once('#').map_or((text, None), |(url, fragment)| (url, Some(fragment)));
        let kind = scheme.split_once('+').map(|(kind, _)| kind.to_owned());
        let bare = kind.as_ref().map_or(url, |kind| &url[kind.len() + 1..]);
        let folder = bare.rsplit('/').next().unwrap_or_default();
        let spec = Self { kind, url: Some(bare.split('?').next().unwrap_or(bare).to_owned()), ..spec };
        match fragment {
            Some(version) if version.starts_with(|c: char| c.is_ascii_digit()) => {
                spec.named(&format!("{folder}@{version}"))
            }
            Some(name) => spec.named(name),
            None => spec.named(folder),
        }
    }

    fn named(mut self, text: &str) -> anyhow::Result<Self> {
        let (name, version) = match text.rsplit_once('@').or_else(|| text.rsplit_once(':')) {
            Some((name, version)) => (name, Some(version)),
            None => (text, None),
        };
        let part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
        let numbers = |version: &str| version.split(['.', '-', '+']).next().is_some_and(|n| n.parse::<u64>().is_ok());
        if name.is_empty() || !name.chars().all(part) || version.is_some_and(|version| !numbers(version)) {
            bail!("invalid package ID specification: `{}`", self.text);
        }
        self.name = name.to_owned();
        self.version = version.map(str::to_owned);
        Ok(self)
    }

    fn matches(&self, id: &PackageId) -> bool {
        let (kind, url) = id.kind_and_url();
        let same = |wanted: &Option<String>, is: &str| wanted.as_ref().is_none_or(|wanted| wanted == is);
        self.name == id.name
            && self.version.as_ref().is_none_or(|version| is_version(version, &id.version))
            && same(&self.url, url)
            && same(&self.kind, kind)
    }

    /// Finds the one package among `ids` that the specification selects.
    ///
    /// # Errors
    /// If it selects none or several, in cargo's words.
    pub fn find<'a>(&self, ids: &[&'a PackageId]) -> anyhow::Result<&'a PackageId> {
        let found: Vec<&PackageId> = ids.iter().copied().filter(|id| self.matches(id)).collect();
        match found.as_slice() {
            [one] => Ok(one),
            [] => bail!("package ID specification `{}` did not match any packages{}", self.text, self.advice(ids)),
            several => bail!(
                "specification `{}` is ambiguous\nhelp: re-run this command with one of the following specifications{}",
                self.text,
                listed(several)
            ),
        }
    }

    fn advice(&self, ids: &[&PackageId]) -> String {
        let named: Vec<&PackageId> = ids.iter().copied().filter(|id| id.name == self.name).collect();
        let whole = self.version.as_ref().is_some_and(|version| version.parse::<Version>().is_ok());
        if !named.is_empty() && (whole || self.url.is_some()) {
            return format!("\nhelp: there are similar package ID specifications:\n{}", listed(&named));
        }
        let near = ids.iter().map(|id| (strsim::osa_distance(&id.name, &self.name), &id.name));
        match near.filter(|(distance, _)| *distance <= SIMILAR).min_by_key(|(distance, _)| *distance) {
            Some((_, name)) => format!("\n\nhelp: a package with a similar name exists: `{name}`"),
            None => String::new(),
        }
    }
}

/// The packages of one name, a line each: with the version, and with the source if the version is the same.
fn listed(ids: &[&PackageId]) -> String {
    let line = |id: &&PackageId| {
        if ids.iter().filter(|other| other.version == id.version).count() == 1 {
            return format!("\n  {}@{}", id.name, id.version);
        }
        let (kind, url) = id.kind_and_url();
        format!("\n  {kind}+{url}#{}@{}", id.name, id.version)
    };
    ids.iter().map(line).collect()
}

/// Whether a version, or the beginning of one, selects the version `is`.
fn is_version(wanted: &str, is: &Version) -> bool {
    if let Ok(whole) = wanted.parse::<Version>() {
        let numbers = |v: &Version| (v.major, v.minor, v.patch);
        return numbers(&whole) == numbers(is)
            && whole.pre == is.pre
            && (whole.build.is_empty() || whole.build == is.build);
    }
    let numbers = [is.major, is.minor, is.patch].map(|number| number.to_string());
    is.pre.is_empty() && wanted.split('.').count() < 3 && wanted.split('.').zip(&numbers).all(|(a, b)| a == b)
}

/// Finds the package that was installed from a folder.
///
/// # Errors
/// If none was.
pub fn installed_from_folder<'a>(folder: &str, ids: &[&'a PackageId]) -> anyhow::Result<&'a PackageId> {
    let source = protocol::file_url(folder);
    let found = ids.iter().copied().find(|id| id.source == source);
    found.with_context(|| {
        format!("no package is installed from `{folder}`; name a package; `cargo cloud install --list` lists them")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(spec: &str) -> Result<String, String> {
        let texts = [
            "ripgrep 14.1.0 (registry+https://github.com/rust-lang/crates.io-index)",
            "tool 1.2.3+hello (git+https://example.com/tool?tag=v1#0123456789)",
            "tool 2.0.0 (path+file:///home/me/tool)",
            "twin 1.0.0 (path+file:///a/twin)",
            "twin 1.0.0 (path+file:///b/twin)",
        ];
        let ids: Vec<PackageId> = texts.iter().map(|text| PackageId::parse(text).unwrap()).collect();
        let ids: Vec<&PackageId> = ids.iter().collect();
        let found = PackageSpec::parse(spec).and_then(|spec| spec.find(&ids).map(ToString::to_string));
        found.map_err(|error| error.to_string())
    }

    #[test]
    fn names_versions_and_urls_mean_packages() {
        for (spec, name) in [
            ("ripgrep", "ripgrep v14.1.0"),
            ("tool@1", "tool v1.2.3+hello (https://example.com/tool?tag=v1#01234567)"),
            ("tool:1.2.3", "tool v1.2.3+hello (https://example.com/tool?tag=v1#01234567)"),
            ("https://example.com/tool", "tool v1.2.3+hello (https://example.com/tool?tag=v1#01234567)"),
            ("file:///home/me/tool", "tool v2.0.0 (/home/me/tool)"),
            ("path+file:///home/me/tool#2.0.0", "tool v2.0.0 (/home/me/tool)"),
            ("path+file:///b/twin#twin@1.0.0", "twin v1.0.0 (/b/twin)"),
        ] {
            assert_eq!(find(spec).as_deref(), Ok(name), "{spec}");
        }
        for (spec, words) in [
            (
                "tool",
                "ambiguous\nhelp: re-run this command with one of the following specifications\n  tool@1.2.3+hello\n  tool@2.0.0",
            ),
            ("twin", "\n  path+file:///a/twin#twin@1.0.0\n"),
            (
                "ripgrap",
                "`ripgrap` did not match any packages\n\nhelp: a package with a similar name exists: `ripgrep`",
            ),
            ("tool@3.0.0", "similar package ID specifications:\n\n  tool@1.2.3+hello"),
            ("tool@3", "with a similar name exists: `tool`"),
            ("quite-other", "did not match any packages"),
            ("tool@x", "invalid"),
            ("a/b", "invalid"),
        ] {
            let error = find(spec).unwrap_err();
            assert!(error.contains(words), "{spec}: {error}");
        }
    }
}

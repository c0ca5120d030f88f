//! Cargo's record of what is installed: `.crates.toml`, and `.crates2.json` with more about each
//! (cargo's `ops/common_for_install_and_uninstall.rs`). What others wrote there stays as it is.

use std::collections::BTreeMap;

use anyhow::Context;
use serde_json::{Map, Value, json};
use toml::Table;
use toml_writer::{ToTomlKey, ToTomlValue};

/// `.crates.toml`: binaries by package id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Binaries {
    /// By `name version (source)`.
    v1: BTreeMap<String, Vec<String>>,
}

impl Binaries {
    /// Reads the file's text; an empty one is an empty record.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let table: Table = text.parse().context("it is not a record of cargo's")?;
        let mut v1 = BTreeMap::new();
        for (package, list) in table.get("v1").and_then(toml::Value::as_table).into_iter().flatten() {
            let list = list.as_array().context("it is not a record of cargo's")?;
            v1.insert(package.clone(), list.iter().filter_map(|name| name.as_str()).map(str::to_owned).collect());
        }
        Ok(Self { v1 })
    }

    /// The file's text.
    pub fn to_text(&self) -> String {
        let mut text = "[v1]\n".to_owned();
        for (package, binaries) in &self.v1 {
            text += &format!("{} = {}\n", package.to_toml_key(), binaries.to_toml_value());
        }
        text
    }

    /// The package that a binary belongs to.
    pub fn owner(&self, binary: &str) -> Option<&str> {
        self.v1
            .iter()
            .find(|(_, binaries)| binaries.iter().any(|own| own == binary))
            .map(|(package, _)| package.as_str())
    }

    /// Notes binaries of a package: they belong to no other any more. What the same package installed before and was
    /// not installed now stays its own.
    pub fn note(&mut self, package: &str, binaries: &[String]) {
        for others in self.v1.values_mut() {
            others.retain(|binary| !binaries.contains(binary));
        }
        let own = self.v1.entry(package.to_owned()).or_default();
        own.extend_from_slice(binaries);
        own.sort_unstable();
        self.v1.retain(|_, binaries| !binaries.is_empty());
    }
}

/// The name in a package id.
pub fn package_name(id: &str) -> &str {
    id.split(' ').next().unwrap_or(id)
}

/// `.crates2.json`, as whole as it was read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Details(Map<String, Value>);

/// What `.crates2.json` tells of an installation.
#[derive(Debug, Clone, Default)]
pub struct Detail {
    /// Features named.
    pub features: Vec<String>,
    /// `--all-features`.
    pub all_features: bool,
    /// `--no-default-features`.
    pub no_default_features: bool,
    /// The profile's name.
    pub profile: String,
    /// The triple.
    pub target: String,
    /// The compiler.
    pub rustc: String,
}

impl Details {
    /// Reads the file's text; an empty one is an empty record.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        // From bytes, as all other JSON is read: one reader is enough for a small client.
        serde_json::from_slice(text.as_bytes()).map(Self).context("it is not a record of cargo's")
    }

    /// The file's text.
    pub fn to_text(&self) -> String {
        Value::Object(self.0.clone()).to_string()
    }

    /// Notes binaries of a package, as [`Binaries::note`] does.
    pub fn note(&mut self, package: &str, binaries: &[String], detail: &Detail) {
        let installs = self.0.entry("installs").or_insert_with(|| json!({}));
        if !installs.is_object() {
            *installs = json!({});
        }
        let Some(installs) = installs.as_object_mut() else { return };
        for install in installs.values_mut() {
            if let Some(list) = install.get_mut("bins").and_then(Value::as_array_mut) {
                list.retain(|binary| !binaries.iter().any(|own| binary == own));
            }
        }
        let kept = installs.get(package).and_then(|install| install.get("bins")).and_then(Value::as_array);
        let mut all = binaries.to_vec();
        all.extend(kept.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned));
        all.sort_unstable();
        let install = installs.entry(package).or_insert_with(|| json!({}));
        let fields = json!({
            "version_req": null,
            "bins": all,
            "features": detail.features,
            "all_features": detail.all_features,
            "no_default_features": detail.no_default_features,
            "profile": detail.profile,
            "target": detail.target,
            "rustc": detail.rustc,
        });
        if let (Some(install), Value::Object(fields)) = (install.as_object_mut(), fields) {
            install.extend(fields);
        }
        installs.retain(|_, install| install.get("bins").and_then(Value::as_array).is_none_or(|bins| !bins.is_empty()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    const OTHER: &str = "other 1.0.0 (registry+https://github.com/rust-lang/crates.io-index)";
    const OURS: &str = "tool 0.2.0 (path+file:///home/me/tool)";

    #[test]
    fn a_binary_has_one_owner() {
        let mut record = Binaries::parse(&format!("[v1]\n\"{OTHER}\" = [\"a\", \"b\"]\n")).unwrap();
        assert_eq!(record.owner("a"), Some(OTHER));
        record.note(OURS, &list(&["b", "c"]));
        assert_eq!((record.owner("a"), record.owner("b")), (Some(OTHER), Some(OURS)));
        record.note(OURS, &list(&["a"]));
        assert_eq!(record.to_text(), format!("[v1]\n\"{OURS}\" = [\"a\", \"b\", \"c\"]\n"));
        assert_eq!(Binaries::parse("").unwrap(), Binaries::default());
        assert_eq!(package_name(OURS), "tool");
    }

    #[test]
    fn odd_folders_are_written_as_they_are_read() {
        let mut record = Binaries::default();
        record.note("tool 0.1.0 (path+file:///it's/a \"b\"\\c\t)", &list(&["a", "b"]));
        assert_eq!(Binaries::parse(&record.to_text()).unwrap(), record);
    }

    #[test]
    fn details_of_others_stay_whole() {
        let mut record = Details::parse(
            &json!({"installs": {OTHER: {"bins": ["a", "b"], "version_req": "^1", "new": [1]}, "gone 1.0.0 (x)": {"bins": ["b"]}}, "v": 7})
                .to_string(),
        )
        .unwrap();
        let detail = Detail { profile: "release".to_owned(), ..Detail::default() };
        record.note(OURS, &list(&["b"]), &detail);
        let value: Value = serde_json::from_str(&record.to_text()).unwrap();
        assert_eq!(value["installs"][OTHER], json!({"bins": ["a"], "version_req": "^1", "new": [1]}));
        assert_eq!(value["installs"][OURS]["bins"], json!(["b"]));
        assert_eq!((&value["v"], &value["installs"]["gone 1.0.0 (x)"]), (&json!(7), &Value::Null));
        assert_eq!(value["installs"][OURS]["profile"], "release");
        assert!(Details::parse("nonsense").is_err());
        assert_eq!(Details::parse(" \n").unwrap(), Details::default());
    }
}

//! Cargo's records of what is installed: `.crates.toml`, and `.crates2.json` with more about each
//! (cargo's `ops/common_for_install_and_uninstall.rs`). Written as cargo writes them, to the byte; what others wrote
//! there stays as it is.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use serde_json::{Map, Value, json};
use toml::Table;
use toml_writer::{ToTomlKey, ToTomlValue};

use super::package_id::PackageId;

/// What cargo writes of an installation, in its order.
const FIELDS: [&str; 8] =
    ["version_req", "bins", "features", "all_features", "no_default_features", "profile", "target", "rustc"];

/// Both records.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Records {
    /// Binaries by package; the older record, and the one that cargo believes.
    bins: BTreeMap<PackageId, BTreeSet<String>>,
    /// What `.crates2.json` tells of each.
    details: BTreeMap<PackageId, Map<String, Value>>,
    /// What else is in `.crates2.json`.
    other: Map<String, Value>,
}

impl Records {
    /// Reads the texts of `.crates.toml` and `.crates2.json`; empty ones are empty records.
    ///
    /// # Errors
    /// When one is no record of cargo's; the error names which.
    pub fn parse(crates_toml: &str, crates2_json: &str) -> anyhow::Result<Self> {
        let bins = read_bins(crates_toml).context("`.crates.toml` is not a record of cargo's")?;
        let mut records = Self { bins, ..Self::default() };
        if !crates2_json.trim().is_empty() {
            records.read_details(crates2_json).context("`.crates2.json` is not a record of cargo's")?;
        }
        Ok(records)
    }

    /// Reads `.crates2.json` alone.
    pub fn parse_details(crates2_json: &str) -> anyhow::Result<Self> {
        let mut records = Self::parse("", crates2_json)?;
        for (package, detail) in &records.details {
            let names = detail.get("bins").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
            records.bins.insert(package.clone(), names.map(str::to_owned).collect());
        }
        Ok(records)
    }

    fn read_details(&mut self, text: &str) -> anyhow::Result<()> {
        // From bytes, as all other JSON is read: one reader is enough for a small client.
        self.other = serde_json::from_slice(text.as_bytes())?;
        if let Some(Value::Object(installs)) = self.other.remove("installs") {
            for (package, detail) in installs {
                let package = PackageId::parse(&package).context(package)?;
                let Value::Object(detail) = detail else { continue };
                self.details.insert(package, detail);
            }
        }
        Ok(())
    }

    /// The text of `.crates.toml`.
    pub fn crates_toml(&self) -> String {
        let mut text = "[v1]\n".to_owned();
        for (package, bins) in &self.bins {
            let names: Vec<String> = bins.iter().map(|name| name.to_toml_value()).collect();
            let list = match names.as_slice() {
                [] | [_] => format!("[{}]", names.concat()),
                _ => format!("[\n{}]", names.iter().map(|name| format!("    {name},\n")).collect::<String>()),
            };
            text += &format!("{} = {list}\n", package.to_record().to_toml_key());
        }
        text
    }

    /// The text of `.crates2.json`: of the packages in `.crates.toml`.
    pub fn crates2_json(&self) -> String {
        let installs = self.bins.iter().map(|(package, bins)| {
            let mut detail = self.details.get(package).cloned().unwrap_or_else(unknown);
            detail.insert("bins".to_owned(), json!(bins));
            let known = FIELDS.iter().filter_map(|name| Some((*name, detail.get(*name)?)));
            let other = detail.iter().map(|(name, value)| (name.as_str(), value));
            let other = other.filter(|(name, _)| !FIELDS.contains(name));
            pair(&package.to_record(), &object(known.chain(other).map(|(name, value)| pair(name, &value.to_string()))))
        });
        let installs = pair("installs", &object(installs));
        object([installs].into_iter().chain(self.other.iter().map(|(name, value)| pair(name, &value.to_string()))))
    }

    /// The packages, each with its binaries.
    pub fn packages(&self) -> impl Iterator<Item = (&PackageId, &BTreeSet<String>)> {
        self.bins.iter()
    }

    /// The package that a binary belongs to.
    pub fn owner(&self, binary: &str) -> Option<&PackageId> {
        self.bins.iter().find(|(_, bins)| bins.contains(binary)).map(|(package, _)| package)
    }

    /// What `.crates2.json` tells of a package.
    pub fn detail(&self, package: &PackageId) -> Map<String, Value> {
        self.details.get(package).cloned().unwrap_or_else(unknown)
    }

    /// Notes binaries of a package: they belong to no other any more. What the same package installed before and was
    /// not installed now stays its own.
    pub fn note(&mut self, package: &PackageId, names: &[String], detail: Map<String, Value>) {
        for others in self.bins.values_mut() {
            others.retain(|binary| !names.contains(binary));
        }
        self.bins.retain(|_, bins| !bins.is_empty());
        self.bins.entry(package.clone()).or_default().extend(names.iter().cloned());
        self.details.entry(package.clone()).or_default().extend(detail);
    }

    /// Forgets a binary of a package, and the package with its last one.
    pub fn forget(&mut self, package: &PackageId, binary: &str) {
        if let Some(bins) = self.bins.get_mut(package) {
            bins.remove(binary);
        }
        self.bins.retain(|_, bins| !bins.is_empty());
    }
}

fn read_bins(text: &str) -> anyhow::Result<BTreeMap<PackageId, BTreeSet<String>>> {
    let table: Table = text.parse()?;
    let mut bins = BTreeMap::new();
    for (package, list) in table.get("v1").and_then(toml::Value::as_table).into_iter().flatten() {
        let names = list.as_array().with_context(|| format!("`{package}` has no list"))?;
        let package = PackageId::parse(package).with_context(|| format!("`{package}` names no package"))?;
        bins.insert(package, names.iter().filter_map(|name| name.as_str()).map(str::to_owned).collect());
    }
    Ok(bins)
}

/// What cargo writes of a package of which only `.crates.toml` tells.
fn unknown() -> Map<String, Value> {
    detail(&Detail { profile: "release".to_owned(), ..Detail::default() })
}

fn pair(name: &str, value: &str) -> String {
    format!("{}:{value}", Value::from(name))
}

fn object(pairs: impl Iterator<Item = String>) -> String {
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
}

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
    pub target: Option<String>,
    /// The compiler.
    pub rustc: Option<String>,
}

/// As it is recorded.
pub fn detail(detail: &Detail) -> Map<String, Value> {
    let Detail { features, all_features, no_default_features, profile, target, rustc } = detail;
    let features: BTreeSet<&String> = features.iter().collect();
    let value = json!({
        "version_req": null,
        "features": features,
        "all_features": all_features,
        "no_default_features": no_default_features,
        "profile": profile,
        "target": target,
        "rustc": rustc,
    });
    if let Value::Object(map) = value { map } else { Map::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn id(text: &str) -> PackageId {
        PackageId::parse(text).unwrap()
    }

    const OTHER: &str = "other 1.0.0 (registry+https://github.com/rust-lang/crates.io-index)";
    const OURS: &str = "tool 0.2.0 (path+file:///home/me/tool)";

    #[test]
    fn a_binary_has_one_owner() {
        let text = format!("[v1]\n\"{OTHER}\" = [\n    \"a\",\n    \"b\",\n]\n");
        let mut records = Records::parse(&text, "").unwrap();
        assert_eq!(records.crates_toml(), text);
        records.note(&id(OURS), &list(&["b", "c"]), Map::new());
        assert_eq!((records.owner("a"), records.owner("b")), (Some(&id(OTHER)), Some(&id(OURS))));
        records.note(&id(OURS), &list(&["a"]), Map::new());
        assert_eq!(records.crates_toml(), format!("[v1]\n\"{OURS}\" = [\n    \"a\",\n    \"b\",\n    \"c\",\n]\n"));
        records.forget(&id(OURS), "a");
        records.forget(&id(OURS), "b");
        assert_eq!(records.crates_toml(), format!("[v1]\n\"{OURS}\" = [\"c\"]\n"));
        records.forget(&id(OURS), "c");
        assert_eq!(
            (records.crates_toml(), records.crates2_json()),
            ("[v1]\n".to_owned(), "{\"installs\":{}}".to_owned())
        );
    }

    #[test]
    fn odd_folders_are_written_as_they_are_read() {
        let mut records = Records::default();
        let package = id("tool 0.1.0 (path+file:///it's/a \"b\"\\c\t)");
        records.note(&package, &list(&["a", "b"]), Map::new());
        assert_eq!(read_bins(&records.crates_toml()).unwrap(), records.bins);
        let read = Records::parse_details(&records.crates2_json()).unwrap();
        assert_eq!(read.bins, records.bins);
    }

    #[test]
    fn details_are_as_cargo_writes_them_and_those_of_others_stay_whole() {
        let theirs = format!(
            "{{\"installs\":{{\"{OTHER}\":{{\"version_req\":\"^1\",\"bins\":[\"a\",\"b\"],\"features\":[],\"all_features\":false,\
             \"no_default_features\":false,\"profile\":\"release\",\"target\":\"t\",\"rustc\":\"r\\n\",\"new\":[1]}},\
             \"gone 1.0.0 (git+x)\":{{\"bins\":[\"b\"]}}}},\"v\":7}}"
        );
        let mut records = Records::parse(&format!("[v1]\n\"{OTHER}\" = [\"a\", \"b\"]"), &theirs).unwrap();
        let known = theirs.replace(",\"gone 1.0.0 (git+x)\":{\"bins\":[\"b\"]}", "");
        assert_eq!(records.crates2_json(), known);
        records.note(&id(OURS), &list(&["b"]), unknown());
        let ours = format!(
            "\"{OURS}\":{{\"version_req\":null,\"bins\":[\"b\"],\"features\":[],\"all_features\":false,\
             \"no_default_features\":false,\"profile\":\"release\",\"target\":null,\"rustc\":null}}"
        );
        assert_eq!(
            records.crates2_json(),
            known.replace("[\"a\",\"b\"]", "[\"a\"]").replace("},\"v\"", &format!(",{ours}}},\"v\""))
        );
        for (toml, json) in
            [("", "nonsense"), ("nonsense", ""), ("[v1]\nx = []", ""), ("", "{\"installs\":{\"x\":{}}}")]
        {
            assert!(Records::parse(toml, json).is_err(), "{toml} {json}");
        }
        assert_eq!(Records::parse("", " \n").unwrap(), Records::default());
    }
}

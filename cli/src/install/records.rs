//! Cargo's records of what is installed: `.crates.toml`, and `.crates2.json` with more details (source: cargo's
//! `ops/common_for_install_and_uninstall.rs`). They are written as cargo writes them, to the byte. Entries and fields that
//! this client doesn't know are kept.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use protocol::BuildSettings;
use serde_json::{Map, Value, json};
use toml::Table;
use toml_writer::{ToTomlKey, ToTomlValue};

use super::package_id::PackageId;

/// The fields that cargo writes for each package, in cargo's order.
const FIELDS: [&str; 8] =
    ["version_req", "bins", "features", "all_features", "no_default_features", "profile", "target", "rustc"];

/// The content of both records of an install root.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InstallRecords {
    /// Names of the installed binaries by package, from `.crates.toml`, which is the one that cargo trusts.
    bins: BTreeMap<PackageId, BTreeSet<String>>,
    /// The fields of each package in `.crates2.json`.
    details: BTreeMap<PackageId, Map<String, Value>>,
    /// Top-level fields of `.crates2.json` other than `installs`.
    other: Map<String, Value>,
}

impl InstallRecords {
    /// Reads the texts of `.crates.toml` and `.crates2.json`. An empty text is an empty record.
    ///
    /// # Errors
    /// If cargo couldn't read one of them, either; the error names the file.
    pub fn parse(crates_toml: &str, crates2_json: &str) -> anyhow::Result<Self> {
        let bins = read_bins(crates_toml).context("`.crates.toml` is malformed")?;
        let mut records = Self { bins, ..Self::default() };
        if !crates2_json.trim().is_empty() {
            records.read_details(crates2_json).context("`.crates2.json` is malformed")?;
        }
        Ok(records)
    }

    /// Reads the text of `.crates2.json` alone, which has everything.
    ///
    /// # Errors
    /// If the text is malformed.
    pub fn parse_details(crates2_json: &str) -> anyhow::Result<Self> {
        let mut records = Self::parse("", crates2_json)?;
        for (package, detail) in &records.details {
            let names = detail.get("bins").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
            records.bins.insert(package.clone(), names.map(str::to_owned).collect());
        }
        Ok(records)
    }

    fn read_details(&mut self, text: &str) -> anyhow::Result<()> {
        // From bytes, as all other JSON: a second instance of the reader would make the client larger.
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

    /// The text of `.crates.toml` for these records.
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

    /// The text of `.crates2.json`, with the packages that are in `.crates.toml`.
    pub fn crates2_json(&self) -> String {
        let installs = self.bins.iter().map(|(package, bins)| {
            let mut detail = self.details.get(package).cloned().unwrap_or_else(default_detail);
            detail.insert("bins".to_owned(), json!(bins));
            let known = FIELDS.iter().filter_map(|name| Some((*name, detail.get(*name)?)));
            let other = detail.iter().map(|(name, value)| (name.as_str(), value));
            let other = other.filter(|(name, _)| !FIELDS.contains(name));
            pair(&package.to_record(), &object(known.chain(other).map(|(name, value)| pair(name, &value.to_string()))))
        });
        let installs = pair("installs", &object(installs));
        object([installs].into_iter().chain(self.other.iter().map(|(name, value)| pair(name, &value.to_string()))))
    }

    /// The installed packages, each with the names of its binaries.
    pub fn packages(&self) -> impl Iterator<Item = (&PackageId, &BTreeSet<String>)> {
        self.bins.iter()
    }

    /// The package that a binary belongs to, if it is recorded.
    pub fn owner(&self, binary: &str) -> Option<&PackageId> {
        self.bins.iter().find(|(_, bins)| bins.contains(binary)).map(|(package, _)| package)
    }

    /// The fields of a package in `.crates2.json`, or cargo's defaults.
    pub fn detail(&self, package: &PackageId) -> Map<String, Value> {
        self.details.get(package).cloned().unwrap_or_else(default_detail)
    }

    /// Records that these binaries belong to this package and to no other. Binaries that the same package installed
    /// earlier stay recorded.
    pub fn add(&mut self, package: &PackageId, names: &[String], detail: Map<String, Value>) {
        for others in self.bins.values_mut() {
            others.retain(|binary| !names.contains(binary));
        }
        self.bins.retain(|_, bins| !bins.is_empty());
        self.bins.entry(package.clone()).or_default().extend(names.iter().cloned());
        self.details.entry(package.clone()).or_default().extend(detail);
    }

    /// Removes a binary of a package, and the package with its last binary.
    pub fn remove(&mut self, package: &PackageId, binary: &str) {
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
        let names = list.as_array().with_context(|| format!("`{package}` is not followed by a list"))?;
        let package = PackageId::parse(package).with_context(|| format!("`{package}` is no package ID"))?;
        bins.insert(package, names.iter().filter_map(|name| name.as_str()).map(str::to_owned).collect());
    }
    Ok(bins)
}

/// The fields that cargo writes for a package that only `.crates.toml` has.
fn default_detail() -> Map<String, Value> {
    InstallDetail::default().fields()
}

fn pair(name: &str, value: &str) -> String {
    format!("{}:{value}", Value::from(name))
}

fn object(pairs: impl Iterator<Item = String>) -> String {
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
}

/// How an installed program was built, for `.crates2.json`.
#[derive(Debug, Clone)]
pub struct InstallDetail {
    /// Profile and features of the build.
    pub settings: BuildSettings,
    /// The triple that the program is for.
    pub target: Option<String>,
    /// Version of the compiler, as `rustc -vV` prints it.
    pub rustc: Option<String>,
}

impl Default for InstallDetail {
    fn default() -> Self {
        let settings = BuildSettings { profile: "release".to_owned(), ..BuildSettings::default() };
        Self { settings, target: None, rustc: None }
    }
}

impl InstallDetail {
    /// The fields of `.crates2.json`, but for the binaries.
    pub fn fields(&self) -> Map<String, Value> {
        let BuildSettings { profile, features, all_features, no_default_features } = &self.settings;
        let value = json!({
            "version_req": null,
            "features": features,
            "all_features": all_features,
            "no_default_features": no_default_features,
            "profile": profile,
            "target": self.target,
            "rustc": self.rustc,
        });
        if let Value::Object(map) = value { map } else { Map::new() }
    }
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
        let mut records = InstallRecords::parse(&text, "").unwrap();
        assert_eq!(records.crates_toml(), text);
        records.add(&id(OURS), &list(&["b", "c"]), Map::new());
        assert_eq!((records.owner("a"), records.owner("b")), (Some(&id(OTHER)), Some(&id(OURS))));
        records.add(&id(OURS), &list(&["a"]), Map::new());
        assert_eq!(records.crates_toml(), format!("[v1]\n\"{OURS}\" = [\n    \"a\",\n    \"b\",\n    \"c\",\n]\n"));
        records.remove(&id(OURS), "a");
        records.remove(&id(OURS), "b");
        assert_eq!(records.crates_toml(), format!("[v1]\n\"{OURS}\" = [\"c\"]\n"));
        records.remove(&id(OURS), "c");
        assert_eq!(
            (records.crates_toml(), records.crates2_json()),
            ("[v1]\n".to_owned(), "{\"installs\":{}}".to_owned())
        );
    }

    #[test]
    fn odd_folders_are_written_as_they_are_read() {
        let mut records = InstallRecords::default();
        let package = id("tool 0.1.0 (path+file:///it's/a \"b\"\\c\t)");
        records.add(&package, &list(&["a", "b"]), Map::new());
        assert_eq!(read_bins(&records.crates_toml()).unwrap(), records.bins);
        let read = InstallRecords::parse_details(&records.crates2_json()).unwrap();
        assert_eq!(read.bins, records.bins);
    }

    #[test]
    fn details_are_as_cargo_writes_them_and_those_of_others_stay_whole() {
        let theirs = format!(
            "{{\"installs\":{{\"{OTHER}\":{{\"version_req\":\"^1\",\"bins\":[\"a\",\"b\"],\"features\":[],\"all_features\":false,\
             \"no_default_features\":false,\"profile\":\"release\",\"target\":\"t\",\"rustc\":\"r\\n\",\"new\":[1]}},\
             \"gone 1.0.0 (git+x)\":{{\"bins\":[\"b\"]}}}},\"v\":7}}"
        );
        let mut records = InstallRecords::parse(&format!("[v1]\n\"{OTHER}\" = [\"a\", \"b\"]"), &theirs).unwrap();
        let known = theirs.replace(",\"gone 1.0.0 (git+x)\":{\"bins\":[\"b\"]}", "");
        assert_eq!(records.crates2_json(), known);
        records.add(&id(OURS), &list(&["b"]), default_detail());
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
            assert!(InstallRecords::parse(toml, json).is_err(), "{toml} {json}");
        }
        assert_eq!(InstallRecords::parse("", " \n").unwrap(), InstallRecords::default());
    }
}

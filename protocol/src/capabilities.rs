//! What a backend can build. It publishes this as an object that every device may read ([`crate::keys::CAPABILITIES`]),
//! so that a client can refuse a target before it sends a source.

use serde::{Deserialize, Serialize};

use crate::Command;
use crate::limits::PROTOCOL_VERSION;

/// What a backend can build.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Capabilities {
    /// Version of the protocol the backend speaks.
    pub protocol: u32,
    /// Version of the backend, for people.
    pub version: String,
    /// Triple of the machine that builds.
    pub host: String,
    /// Triples whose standard (or core) library is installed, the builder's own among them.
    pub targets: Vec<String>,
    /// Triples whose standard library the backend fetches when a build asks for it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub on_demand: Vec<String>,
    /// What the backend lacks to link programs. A triple can be in `targets` or `on_demand` too: `cargo check` needs no
    /// linker.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lacking: Vec<MissingTools>,
    /// What to do about a triple that is in none of the lists: one or two whole sentences.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// What a backend lacks to link programs for some targets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MissingTools {
    /// The triples that need it.
    pub targets: Vec<String>,
    /// What is missing, to follow "it lacks": "the Android NDK and cargo-ndk".
    pub missing: String,
    /// What to do about it: one whole sentence.
    pub remedy: String,
}

impl MissingTools {
    /// Why nothing is built for `target`, one of the triples, in whole sentences.
    pub fn refusal(&self, target: &str) -> String {
        let Self { missing, remedy, .. } = self;
        format!("this backend can't build for `{target}` yet: it lacks {missing}. {remedy}")
    }
}

impl Capabilities {
    /// What a backend of this version with this host builds, for no target yet.
    pub fn new(host: impl Into<String>, version: impl Into<String>) -> Self {
        Self { protocol: PROTOCOL_VERSION, host: host.into(), version: version.into(), ..Self::default() }
    }

    /// Why this backend can't run `command` for `target`, in whole sentences; none when it can.
    pub fn refusal(&self, command: Command, target: &str) -> Option<String> {
        let known = |list: &[String]| list.iter().any(|known| known == target);
        if let Some(lacking) = self.lacking.iter().find(|lacking| known(&lacking.targets))
            && (command.links() || !(known(&self.targets) || known(&self.on_demand)))
        {
            return Some(lacking.refusal(target));
        }
        if known(&self.targets) || known(&self.on_demand) {
            return None;
        }
        let built = self.linkable().collect::<Vec<_>>().join(", ");
        let advice = self.advice.as_ref().map(|advice| format!(". {advice}")).unwrap_or_default();
        Some(format!("this backend can't build for `{target}`; it builds for {built}{advice}"))
    }

    /// Triples that programs are built for with what is installed now.
    pub fn linkable(&self) -> impl Iterator<Item = &str> {
        self.linkable_of(&self.targets)
    }

    /// Triples that programs are built for after their standard library was fetched.
    pub fn fetchable(&self) -> impl Iterator<Item = &str> {
        self.linkable_of(&self.on_demand)
    }

    /// Every triple that is in one of the lists.
    pub fn known(&self) -> impl Iterator<Item = &str> {
        let lacking = self.lacking.iter().flat_map(|lacking| &lacking.targets);
        self.targets.iter().chain(&self.on_demand).chain(lacking).map(String::as_str)
    }

    fn linkable_of<'a>(&'a self, list: &'a [String]) -> impl Iterator<Item = &'a str> {
        let links = |target: &&String| !self.lacking.iter().any(|lacking| lacking.targets.contains(target));
        list.iter().filter(links).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capabilities() -> Capabilities {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        Capabilities {
            targets: list(&["host", "cross"]),
            on_demand: list(&["wasm", "android"]),
            lacking: vec![
                MissingTools {
                    targets: list(&["android"]),
                    missing: "the NDK".to_owned(),
                    remedy: "Install it.".to_owned(),
                },
                MissingTools {
                    targets: list(&["cross", "gone"]),
                    missing: "a linker".to_owned(),
                    remedy: "Get one.".to_owned(),
                },
            ],
            advice: Some("Try another.".to_owned()),
            ..Capabilities::new("host", "0.1.0")
        }
    }

    #[test]
    fn what_is_installed_or_fetched_on_demand_is_built() {
        for target in ["host", "wasm"] {
            assert_eq!(capabilities().refusal(Command::Build, target), None, "{target}");
        }
        assert_eq!(capabilities().linkable().collect::<Vec<_>>(), ["host"]);
        assert_eq!(capabilities().fetchable().collect::<Vec<_>>(), ["wasm"]);
    }

    #[test]
    fn a_refusal_says_what_is_missing_and_what_to_do() {
        let refusal = |target| capabilities().refusal(Command::Build, target).unwrap();
        assert_eq!(refusal("android"), "this backend can't build for `android` yet: it lacks the NDK. Install it.");
        assert_eq!(refusal("moon"), "this backend can't build for `moon`; it builds for host. Try another.");
    }

    #[test]
    fn checking_needs_no_linker_but_a_standard_library() {
        for target in ["android", "cross"] {
            assert_eq!(capabilities().refusal(Command::Check, target), None, "{target}");
        }
        assert!(capabilities().refusal(Command::Check, "gone").unwrap().contains("a linker"));
    }

    #[test]
    fn a_newer_backends_fields_are_read_and_missing_ones_are_empty() {
        let read: Capabilities = serde_json::from_str(r#"{"host":"h","targets":["h"],"moon":1}"#).unwrap();
        assert_eq!((read.host.as_str(), read.targets.len(), read.on_demand.len()), ("h", 1, 0));
        let json = serde_json::to_string(&capabilities()).unwrap();
        assert_eq!(serde_json::from_str::<Capabilities>(&json).unwrap(), capabilities());
    }
}

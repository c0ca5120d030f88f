//! Crates that scenarios publish in the registry.

use std::fmt::Write as _;

use data_encoding::HEXLOWER;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A version of a crate as its author writes it.
pub struct Crate {
    name: String,
    version: String,
    manifest: String,
    files: Vec<(String, String)>,
    dependencies: Vec<Value>,
    features: Value,
    rust_version: Option<String>,
}

/// A version of a crate as the registry stores it.
pub(super) struct Published {
    pub name: String,
    pub version: String,
    pub archive: Vec<u8>,
    pub yanked: bool,
    entry: Value,
}

impl Crate {
    /// A crate without any target.
    pub fn new(name: &str, version: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            manifest: format!("[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2024\"\n"),
            files: Vec::new(),
            dependencies: Vec::new(),
            features: json!({}),
            rust_version: None,
        }
    }

    /// A program `name` that prints `name version`.
    pub fn program(name: &str, version: &str) -> Self {
        Self::new(name, version).binary(name, &format!("{name} {version}"))
    }

    /// Adds a file to the crate.
    pub fn file(mut self, path: &str, content: &str) -> Self {
        self.files.push((path.to_owned(), content.to_owned()));
        self
    }

    /// Adds a binary that prints a text.
    pub fn binary(mut self, name: &str, text: &str) -> Self {
        let _ = write!(self.manifest, "[[bin]]\nname = \"{name}\"\npath = \"src/{name}.rs\"\n");
        self.file(&format!("src/{name}.rs"), &format!("fn main() {{\n    println!(\"{text}\");\n}}\n"))
    }

    /// Appends a text to the manifest.
    pub fn manifest(mut self, text: &str) -> Self {
        self.manifest += text;
        self
    }

    /// Adds a dependency on another crate of the registry.
    pub fn depends_on(mut self, name: &str, requirement: &str) -> Self {
        let _ = write!(self.manifest, "[dependencies.{name}]\nversion = \"{requirement}\"\n");
        self.dependencies.push(json!({
            "name": name, "req": requirement, "features": [], "optional": false, "default_features": true,
            "target": null, "kind": "normal",
        }));
        self
    }

    /// Adds features that have no dependencies.
    pub fn features(mut self, names: &[&str]) -> Self {
        self.manifest += "[features]\n";
        for name in names {
            let _ = writeln!(self.manifest, "{name} = []");
            self.features[*name] = json!([]);
        }
        self
    }

    /// Sets the version of Rust that the crate needs.
    pub fn rust_version(mut self, version: &str) -> Self {
        let head = format!("rust-version = \"{version}\"\nedition");
        self.manifest = self.manifest.replacen("edition", &head, 1);
        self.rust_version = Some(version.to_owned());
        self
    }

    pub(super) fn publish(self) -> Published {
        let archive = self.pack();
        let checksum = HEXLOWER.encode(&Sha256::digest(&archive));
        let entry = json!({
            "name": self.name, "vers": self.version, "deps": self.dependencies, "cksum": checksum,
            "features": self.features, "rust_version": self.rust_version, "v": 2,
        });
        Published { name: self.name, version: self.version, archive, yanked: false, entry }
    }

    fn pack(&self) -> Vec<u8> {
        let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        let manifest = ("Cargo.toml".to_owned(), self.manifest.clone());
        for (path, content) in [&manifest].into_iter().chain(&self.files) {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            let path = format!("{}-{}/{path}", self.name, self.version);
            tar.append_data(&mut header, path, content.as_bytes()).expect("an entry");
        }
        tar.into_inner().and_then(GzEncoder::finish).expect("an archive")
    }
}

impl Published {
    /// The crate's line in the registry's index.
    pub fn index_line(&self) -> String {
        let mut entry = self.entry.clone();
        entry["yanked"] = json!(self.yanked);
        entry.to_string()
    }
}

//! What a client asks for. What is short and public travels as the object's metadata, so that a backend can decide
//! before it reads the archive; the rest is `request.json`, the archive's first entry.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::cargo_options::check_triple;
use crate::install::InstallRequest;
use crate::limits::{MAX_METADATA_BYTES, PROTOCOL_VERSION};
use crate::variables::is_builders_own;
use crate::{CargoOptions, Command, InvalidName, ProjectKey};

/// The name of the request inside a source archive: always its first entry.
pub const REQUEST_ENTRY: &str = "request.json";

/// The folder inside a source archive under which the source lies.
pub const SOURCE_PREFIX: &str = "source/";

/// A request, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Version of the protocol the client speaks.
    pub protocol: u32,
    /// Version of the client, for people who read logs.
    pub client: String,
    /// What to do.
    pub command: Command,
    /// Whom folders and caches belong to.
    pub project: ProjectKey,
    /// Flags in cargo's sense. `target`, `features` and `bin` travel in the metadata where they fit.
    pub options: CargoOptions,
    /// What else `request.json` says.
    pub details: Details,
}

/// The part of `request.json` that is not cargo's flags.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Details {
    /// The workspace's root, relative to the source, `/` between parts, empty for the source's own top.
    pub root: String,
    /// The package's folder, or the workspace's, relative to the source like `root`.
    pub directory: String,
    /// Where cargo runs, because the person stands there, relative to the source like `root`; none: in `directory`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub working_directory: Option<String>,
    /// Whether what is built goes to the device's target directory, and is not installed: then libraries for other
    /// languages (`cdylib`, `staticlib`) come back too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub to_target_dir: bool,
    /// The device's own triple: what is built for where the flags name no target. A builder whose own triple it is leaves
    /// `--target` away, as cargo on the device would.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// The toolchain named on the command line (`cargo +nightly cloud …`), without the plus.
    pub toolchain: Option<String>,
    /// Environment of the build, by name.
    pub env: BTreeMap<String, String>,
    /// The part of the names that tests or benchmarks have which are to run: cargo's TESTNAME and BENCHNAME.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// What follows `--`: arguments of the program, of the tests, of clippy or of rustfmt.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// What [`Command::Install`] installs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub install: Option<InstallRequest>,
    /// Whether [`Command::Clean`] removes what is kept of all the owner's projects, not only of this one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub all_projects: bool,
    /// SHA-256 in hex of the `Cargo.lock` that was sent, so that the builder returns a changed one only.
    pub lock_sha256: Option<String>,
}

/// `request.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestFile {
    /// Version of the protocol.
    pub v: u32,
    /// Flags that are not in the metadata.
    #[serde(default)]
    pub options: CargoOptions,
    /// The rest.
    #[serde(default)]
    pub details: Details,
}

/// Why metadata and `request.json` make no request.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidRequest {
    /// A field of the metadata is not there.
    #[error("the upload's metadata lacks `{0}`; send it with cargo-cloud")]
    Missing(&'static str),
    /// A field of the metadata can't be read.
    #[error("the upload's metadata has an unusable `{field}`: {why}")]
    Malformed {
        /// Its name.
        field: &'static str,
        /// What is wrong.
        why: String,
    },
    /// A command this backend doesn't know.
    #[error("this backend doesn't know the command `{0}`; update the backend")]
    Command(String),
    /// A version this backend doesn't know.
    #[error("the client speaks protocol {client}, this backend {PROTOCOL_VERSION}; update the backend")]
    TooNew {
        /// The client's.
        client: u32,
    },
    /// An upload without a byte.
    #[error("the source archive is empty; send it with cargo-cloud")]
    Empty,
    /// Owner, id or project key.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// Anything else that can't be done as asked.
    #[error("{0}")]
    Refused(String),
}

impl Request {
    /// What is built for: the flags' targets, else the device's own.
    pub fn targets(&self) -> impl Iterator<Item = &str> {
        let device = self.details.device.as_deref().filter(|_| self.options.target.is_empty());
        self.options.target.iter().map(String::as_str).chain(device)
    }

    /// Whether a source belongs to it: what is installed from elsewhere, and what is only cleaned, has none.
    pub fn has_source(&self) -> bool {
        match self.command {
            Command::Install => self.details.install.as_ref().is_some_and(|install| install.path),
            Command::Clean => false,
            _ => true,
        }
    }

    /// Object metadata (names without `x-amz-meta-`) and `request.json`. A value that is not printable ASCII, holds a
    /// comma where commas separate, or would take the metadata over its limit, goes into `request.json`.
    pub fn encode(&self) -> (BTreeMap<String, String>, RequestFile) {
        let mut options = self.options.clone();
        let mut metadata = BTreeMap::from([
            ("protocol".to_owned(), self.protocol.to_string()),
            ("client".to_owned(), self.client.clone()),
            ("command".to_owned(), self.command.as_str().to_owned()),
            ("project".to_owned(), self.project.to_string()),
        ]);
        for (name, list) in
            [("target", &mut options.target), ("binary", &mut options.bin), ("features", &mut options.features)]
        {
            let value = list.join(",");
            let size: usize = metadata.iter().map(|(k, v)| k.len() + v.len()).sum();
            let fits = size + name.len() + value.len() <= MAX_METADATA_BYTES / 2;
            let plain = list.iter().all(|v| !v.is_empty() && v.bytes().all(|b| b.is_ascii_graphic() && b != b','));
            if !list.is_empty() && fits && plain {
                metadata.insert(name.to_owned(), value);
                list.clear();
            }
        }
        (metadata, RequestFile { v: self.protocol, options, details: self.details.clone() })
    }

    /// The inverse of [`Request::encode`]. `metadata` is looked up by lower-case names without `x-amz-meta-`.
    pub fn decode(metadata: &BTreeMap<String, String>, file: RequestFile) -> Result<Self, InvalidRequest> {
        let head = RequestHead::decode(metadata)?;
        let mut options = file.options;
        for (list, value) in [
            (&mut options.target, &head.target),
            (&mut options.bin, &head.binary),
            (&mut options.features, &head.features),
        ] {
            list.extend(value.iter().cloned());
        }
        options.check()?;
        file.details.check()?;
        match (head.command, &file.details.install) {
            (Command::Install, None) => return Err(InvalidRequest::Missing("install")),
            (Command::Install, Some(install)) => install.check()?,
            _ => {}
        }
        Ok(Request {
            protocol: head.protocol,
            client: head.client,
            command: head.command,
            project: head.project,
            options,
            details: file.details,
        })
    }
}

/// What the metadata alone says: enough to queue a build, or to refuse it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestHead {
    /// Version of the protocol the client speaks.
    pub protocol: u32,
    /// Version of the client.
    pub client: String,
    /// What to do.
    pub command: Command,
    /// Whom folders and caches belong to.
    pub project: ProjectKey,
    /// Target triples, as far as they fitted.
    pub target: Vec<String>,
    /// Binaries, as far as they fitted.
    pub binary: Vec<String>,
    /// Features, as far as they fitted.
    pub features: Vec<String>,
}

impl RequestHead {
    /// Reads object metadata: lower-case names without `x-amz-meta-`.
    pub fn decode(metadata: &BTreeMap<String, String>) -> Result<Self, InvalidRequest> {
        if metadata.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > MAX_METADATA_BYTES {
            let why = "the upload's metadata is too long; send it with cargo-cloud";
            return Err(InvalidRequest::Refused(why.to_owned()));
        }
        let field = |name: &'static str| metadata.get(name).ok_or(InvalidRequest::Missing(name));
        let list = |name: &'static str| -> Result<Vec<String>, InvalidRequest> {
            let Some(value) = metadata.get(name) else { return Ok(Vec::new()) };
            if !value.bytes().all(|b| b.is_ascii_graphic()) {
                return Err(InvalidRequest::Malformed { field: name, why: "not printable ASCII".to_owned() });
            }
            Ok(value.split(',').filter(|v| !v.is_empty()).map(str::to_owned).collect())
        };
        let protocol = field("protocol")?;
        let protocol = protocol
            .parse()
            .map_err(|_| InvalidRequest::Malformed { field: "protocol", why: "not a number".to_owned() })?;
        if protocol > PROTOCOL_VERSION {
            return Err(InvalidRequest::TooNew { client: protocol });
        }
        let command = field("command")?.parse()?;
        let target = list("target")?;
        target.iter().try_for_each(|triple| check_triple(triple))?;
        Ok(RequestHead {
            protocol,
            client: field("client")?.chars().take(40).collect(),
            command,
            project: field("project")?.parse()?,
            target,
            binary: list("binary")?,
            features: list("features")?,
        })
    }
}

impl Details {
    fn check(&self) -> Result<(), InvalidRequest> {
        for path in [&self.root, &self.directory].into_iter().chain(&self.working_directory) {
            let clean = path.is_empty()
                || (!path.contains('\\') && path.split('/').all(|part| !matches!(part, "" | "." | "..")));
            if !clean || path.contains('\0') {
                let path: String = path.chars().take(120).collect();
                return Err(InvalidRequest::Refused(format!("`{path}` is not a folder inside the source")));
            }
        }
        if let Some(device) = &self.device {
            check_triple(device)?;
        }
        if let Some(toolchain) = &self.toolchain {
            let named = toolchain.starts_with(|c: char| c.is_ascii_alphanumeric())
                && toolchain.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'));
            if !named {
                return Err(InvalidRequest::Refused("the toolchain's name has characters no toolchain has".to_owned()));
            }
        }
        for name in self.env.keys() {
            let named = !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic() && b != b'=');
            if !named || self.env.values().any(|v| v.contains('\0')) {
                return Err(InvalidRequest::Refused("a variable of the environment is malformed".to_owned()));
            }
            if is_builders_own(name) {
                return Err(InvalidRequest::Refused(format!("the variable `{name}` is the builder's own")));
            }
        }
        if self.args.iter().chain(&self.filter).any(|arg| arg.contains('\0')) {
            return Err(InvalidRequest::Refused("an argument holds a NUL character".to_owned()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        Request {
            protocol: PROTOCOL_VERSION,
            client: "0.1.0".to_owned(),
            command: Command::Build,
            project: "demo-00ff".parse().unwrap(),
            options: CargoOptions {
                target: vec!["aarch64-linux-android".to_owned()],
                features: vec!["a".to_owned(), "dep/b".to_owned()],
                bin: vec!["tool".to_owned()],
                release: true,
                ..CargoOptions::default()
            },
            details: Details { root: "app".to_owned(), directory: "app/cli".to_owned(), ..Details::default() },
        }
    }

    #[test]
    fn a_request_reads_back() {
        let request = request();
        let (metadata, file) = request.encode();
        assert_eq!(metadata["features"], "a,dep/b");
        assert_eq!(metadata["target"], "aarch64-linux-android");
        let file: RequestFile = serde_json::from_str(&serde_json::to_string(&file).unwrap()).unwrap();
        assert!(file.options.features.is_empty());
        assert_eq!(Request::decode(&metadata, file), Ok(request));
    }

    #[test]
    fn what_metadata_cannot_hold_goes_into_the_file() {
        let mut request = request();
        request.options.bin = vec!["wërkzeug".to_owned()];
        request.options.features = (0..400).map(|n| format!("feature-{n}")).collect();
        let (metadata, file) = request.encode();
        assert!(!metadata.contains_key("binary") && !metadata.contains_key("features"));
        assert_eq!(Request::decode(&metadata, file), Ok(request));
    }

    #[test]
    fn metadata_that_is_missing_or_too_long_is_refused() {
        let (metadata, _) = request().encode();
        for field in ["protocol", "client", "command", "project"] {
            let mut metadata = metadata.clone();
            metadata.remove(field);
            assert_eq!(RequestHead::decode(&metadata), Err(InvalidRequest::Missing(field)));
        }
        let mut metadata = metadata;
        metadata.insert("more".to_owned(), "x".repeat(MAX_METADATA_BYTES));
        assert!(RequestHead::decode(&metadata).unwrap_err().to_string().contains("too long"));
    }

    #[test]
    fn a_newer_protocol_is_refused_and_newer_fields_are_not() {
        let (mut metadata, _) = request().encode();
        metadata.insert("moon-phase".to_owned(), "full".to_owned());
        let file: RequestFile =
            serde_json::from_str(r#"{"v":1,"options":{"new":1},"details":{"new":2},"x":3}"#).unwrap();
        assert!(Request::decode(&metadata, file.clone()).is_ok());
        metadata.insert("protocol".to_owned(), "2".to_owned());
        assert_eq!(Request::decode(&metadata, file), Err(InvalidRequest::TooNew { client: 2 }));
    }

    #[test]
    fn a_device_that_is_a_path_is_refused() {
        let mut request = request();
        for (device, taken) in [("aarch64-linux-android", true), ("../x", false), ("--config=x", false)] {
            request.details.device = Some(device.to_owned());
            let (metadata, file) = request.encode();
            assert_eq!(Request::decode(&metadata, file).is_ok(), taken, "{device}");
        }
    }

    #[test]
    fn a_folder_outside_the_source_is_refused() {
        for path in ["/etc", "../x", "a/../b", "a//b", "./a", "a/", "a\\b"] {
            let mut request = request();
            request.details.directory = path.to_owned();
            let (metadata, file) = request.encode();
            assert!(Request::decode(&metadata, file).is_err(), "{path}");
        }
    }
}

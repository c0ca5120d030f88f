//! The request of a client. Short, public values are sent as the object's metadata, so that a backend can decide before it
//! reads the archive; the rest is `request.json`, the archive's first entry.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::cargo_options::check_triple;
use crate::install::InstallRequest;
use crate::limits::{MAX_METADATA_BYTES, PROTOCOL_VERSION};
use crate::variables::is_builders_own;
use crate::{CargoOptions, Command, InvalidName, ProjectKey};

/// Name of the request inside a source archive; it is always the first entry.
pub const REQUEST_ENTRY: &str = "request.json";

/// Folder inside a source archive that holds the source.
pub const SOURCE_PREFIX: &str = "source/";

/// A complete request, from metadata and `request.json` together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Version of the protocol that the client speaks.
    pub protocol: u32,
    /// Version of the client, shown in logs.
    pub client: String,
    /// The command to run on the builder.
    pub command: Command,
    /// The project that folders and caches belong to.
    pub project: ProjectKey,
    /// Cargo's flags. `target`, `features` and `bin` are sent in the metadata if they fit.
    pub options: CargoOptions,
    /// The part of `request.json` that is not cargo's flags.
    pub details: Details,
}

/// The part of `request.json` that is not cargo's flags.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Details {
    /// The workspace's root, relative to the source, with `/` as separator; empty if it is the source's top folder.
    pub root: String,
    /// The folder of the package, or of the workspace, relative to the source like `root`.
    pub directory: String,
    /// Folder that cargo runs in, because the person typed the command there, relative to the source like `root`; `None`
    /// means `directory`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub working_directory: Option<String>,
    /// Whether the artifact goes to the device's target directory instead of being installed. Then libraries for other
    /// languages (`cdylib`, `staticlib`) come back too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub to_target_dir: bool,
    /// The device's own triple: the target if the flags name none. A builder with the same triple then omits `--target`, as
    /// cargo on the device would.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// The toolchain of the command line (`cargo +nightly cloud …`), without the plus sign.
    pub toolchain: Option<String>,
    /// Environment variables of the build, by name.
    pub env: BTreeMap<String, String>,
    /// Cargo's TESTNAME or BENCHNAME: only tests or benchmarks run whose names contain it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// The arguments after `--`: for the program, the tests, clippy or rustfmt.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// What to install; required for [`Command::Install`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub install: Option<InstallRequest>,
    /// Whether [`Command::Clean`] covers all projects of the owner, not only this one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub all_projects: bool,
    /// SHA-256 in hex of the `Cargo.lock` that was sent, so that the builder returns only a changed one.
    pub lock_sha256: Option<String>,
}

/// The content of `request.json`, the first entry of a source archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestFile {
    /// Version of the protocol that the client speaks.
    pub v: u32,
    /// Flags that are not in the metadata.
    #[serde(default)]
    pub options: CargoOptions,
    /// Everything else that a request says.
    #[serde(default)]
    pub details: Details,
}

/// Why metadata and `request.json` don't make a valid request.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidRequest {
    /// A field of the metadata is missing.
    #[error("the upload's metadata lacks `{0}`; send it with cargo-cloud")]
    Missing(&'static str),
    /// A field of the metadata can't be read.
    #[error("the upload's metadata has an unusable `{field}`: {why}")]
    Malformed {
        /// Name of the metadata field.
        field: &'static str,
        /// What is wrong with its value.
        why: String,
    },
    /// A command that this backend doesn't know.
    #[error("this backend doesn't know the command `{0}`; update the backend")]
    Command(String),
    /// A protocol version that this backend doesn't know.
    #[error("the client speaks protocol {client}, this backend {PROTOCOL_VERSION}; update the backend")]
    TooNew {
        /// Protocol version of the client.
        client: u32,
    },
    /// The uploaded archive has no bytes.
    #[error("the source archive is empty; send it with cargo-cloud")]
    Empty,
    /// An invalid owner, build id or project key.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// Any other request that the backend can't fulfil.
    #[error("{0}")]
    Refused(String),
}

impl Request {
    /// The target triples: those of the flags, else the device's own.
    pub fn targets(&self) -> impl Iterator<Item = &str> {
        let device = self.details.device.as_deref().filter(|_| self.options.target.is_empty());
        self.options.target.iter().map(String::as_str).chain(device)
    }

    /// Whether the archive holds a source. Installing from a registry or git needs none, nor does cleaning.
    pub fn has_source(&self) -> bool {
        match self.command {
            Command::Install => self.details.install.as_ref().is_some_and(|install| install.path),
            Command::Clean => false,
            _ => true,
        }
    }

    /// Encodes the request as object metadata (names without `x-amz-meta-`) and `request.json`. A list goes into
    /// `request.json` if a value is not printable ASCII or contains a comma, or if it would exceed the metadata's limit.
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

    /// Reads what [`Request::encode`] wrote. The names in `metadata` are in lower case, without `x-amz-meta-`.
    ///
    /// # Errors
    /// If a part is missing or malformed, or if the client is newer than this backend.
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

/// The part of a request that is in the metadata: enough to queue a build or to refuse it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestHead {
    /// Version of the protocol that the client speaks.
    pub protocol: u32,
    /// Version of the client, at most 40 characters.
    pub client: String,
    /// The command to run on the builder.
    pub command: Command,
    /// The project that folders and caches belong to.
    pub project: ProjectKey,
    /// Target triples, if they fitted into the metadata.
    pub target: Vec<String>,
    /// Names of binaries, if they fitted into the metadata.
    pub binary: Vec<String>,
    /// Features, if they fitted into the metadata.
    pub features: Vec<String>,
}

impl RequestHead {
    /// Reads object metadata, with names in lower case, without `x-amz-meta-`.
    ///
    /// # Errors
    /// If a field is missing or malformed, or if the client is newer than this backend.
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
                return Err(InvalidRequest::Refused(
                    "the toolchain's name has characters that no toolchain name has".to_owned(),
                ));
            }
        }
        for name in self.env.keys() {
            let named = !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic() && b != b'=');
            if !named || self.env.values().any(|v| v.contains('\0')) {
                return Err(InvalidRequest::Refused("an environment variable is malformed".to_owned()));
            }
            if is_builders_own(name) {
                return Err(InvalidRequest::Refused(format!(
                    "the builder sets the environment variable `{name}` itself; a request can't change it"
                )));
            }
        }
        if self.args.iter().chain(&self.filter).any(|arg| arg.contains('\0')) {
            return Err(InvalidRequest::Refused("an argument contains a NUL character".to_owned()));
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
    fn a_request_survives_encoding() {
        let request = request();
        let (metadata, file) = request.encode();
        assert_eq!(metadata["features"], "a,dep/b");
        assert_eq!(metadata["target"], "aarch64-linux-android");
        let file: RequestFile = serde_json::from_str(&serde_json::to_string(&file).unwrap()).unwrap();
        assert!(file.options.features.is_empty());
        assert_eq!(Request::decode(&metadata, file), Ok(request));
    }

    #[test]
    fn values_that_do_not_fit_the_metadata_go_into_the_file() {
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
    fn a_newer_protocol_is_refused_but_newer_fields_are_ignored() {
        let (mut metadata, _) = request().encode();
        metadata.insert("moon-phase".to_owned(), "full".to_owned());
        let file: RequestFile =
            serde_json::from_str(r#"{"v":1,"options":{"new":1},"details":{"new":2},"x":3}"#).unwrap();
        assert!(Request::decode(&metadata, file.clone()).is_ok());
        metadata.insert("protocol".to_owned(), "2".to_owned());
        assert_eq!(Request::decode(&metadata, file), Err(InvalidRequest::TooNew { client: 2 }));
    }

    #[test]
    fn a_device_triple_that_is_a_path_is_refused() {
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

//! The client's configuration file: its backends, and which of them is used.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use protocol::Owner;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::Credentials;

/// The configuration file, as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The backend that is used when none is named.
    backend: Option<String>,
    #[serde(default)]
    backends: BTreeMap<String, BackendTable>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct BackendTable {
    endpoint: Option<String>,
    socket: Option<String>,
    region: Option<String>,
    input_bucket: String,
    output_bucket: String,
    #[serde(default)]
    owner: Owner,
    access_key_id: Option<String>,
    secret_access_key: Option<String>,
    session_token: Option<String>,
    profile: Option<String>,
    /// What earlier versions wrote. The client asks the backend itself.
    #[serde(default, rename = "targets")]
    _targets: IgnoredAny,
}

/// The parts of a backend's configuration that may be shown.
#[derive(Debug, PartialEq, Eq)]
pub struct BackendSummary {
    /// Its name in the configuration.
    pub name: String,
    /// Whether it is used when none is named.
    pub used: bool,
    /// Its endpoint, or the input bucket of AWS's own.
    pub address: String,
    /// Its region, if the configuration names one.
    pub region: Option<String>,
    /// The owner whose builds this device starts.
    pub owner: Owner,
}

/// A backend with everything that is needed to use it.
#[derive(Debug, Clone)]
pub struct Backend {
    /// Its name in the configuration.
    pub name: String,
    /// The URL of an S3 that is not AWS's own, without a slash at its end.
    pub endpoint: Option<String>,
    /// The URL of the WebSocket; none: builds are followed through the bucket.
    pub socket: Option<String>,
    /// AWS's region, part of every signature.
    pub region: String,
    /// Name of the bucket that sources are uploaded to.
    pub input_bucket: String,
    /// Name of the bucket that results and artifacts are read from.
    pub output_bucket: String,
    /// The owner whose builds this device starts and sees.
    pub owner: Owner,
    /// The keys that requests to the backend are signed with.
    pub credentials: Credentials,
}

/// The folder of the configuration file, which also holds the device's id.
pub fn config_folder() -> anyhow::Result<PathBuf> {
    Ok(config_file()?.parent().map(Path::to_path_buf).unwrap_or_default())
}

fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// `$CARGO_CLOUD_CONFIG`, else `cargo-cloud/config.toml` in `$XDG_CONFIG_HOME` or `~/.config`.
pub fn config_file() -> anyhow::Result<PathBuf> {
    if let Some(path) = env("CARGO_CLOUD_CONFIG") {
        return Ok(PathBuf::from(path));
    }
    let base = match env("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute()) {
        Some(base) => base,
        None => PathBuf::from(
            env("HOME")
                .context("`HOME` is not set, so the configuration has no folder; set it or `CARGO_CLOUD_CONFIG`")?,
        )
        .join(".config"),
    };
    Ok(base.join("cargo-cloud/config.toml"))
}

impl Config {
    /// The named backend, or the configured one, of `$CARGO_CLOUD_CONFIG` or `~/.config/cargo-cloud/config.toml`.
    /// The second value warns of a file that others can read.
    pub fn backend(name: Option<&str>) -> anyhow::Result<(Backend, Option<String>)> {
        let path = config_file()?;
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => bail!(
                "no backend is configured: `{0}` doesn't exist\n\
                 \n  On a faster computer:        cargo-cloud-local --listen 127.0.0.1:4100 --client-line\
                 \n  Here, an encrypted tunnel:   ssh -N -L 4100:127.0.0.1:4100 NAME-OF-THAT-COMPUTER\
                 \n  Here, paste what it printed: cargo cloud configure\
                 \n  Then build:                  cargo cloud build\
                 \n\
                 \n(To build on this computer itself: `cargo-cloud-local --client-config {0}`)",
                path.display()
            ),
            Err(error) => return Err(error).with_context(|| format!("could not read `{}`", path.display())),
        };
        let config = Self::parse(&text, &path)?;
        let backend =
            config.resolve(name, &env).with_context(|| format!("in the configuration `{}`", path.display()))?;
        let open = std::fs::metadata(&path).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0);
        let warning = (open && text.contains("secret_access_key"))
            .then(|| format!("others on this device can read the keys in `{0}`; type: chmod 600 {0}", path.display()));
        Ok((backend, warning))
    }

    fn parse(text: &str, path: &Path) -> anyhow::Result<Self> {
        toml::from_str(text).with_context(|| format!("`{}` is not a valid configuration", path.display()))
    }

    /// The backends in the text of the file at `path`, without their keys.
    pub fn summaries(text: &str, path: &Path) -> anyhow::Result<Vec<BackendSummary>> {
        let config = Self::parse(text, path)?;
        let only = config.backends.len() == 1;
        let summary = |(name, table): (String, BackendTable)| BackendSummary {
            used: config.backend.as_ref().map_or(only, |used| *used == name),
            address: table.endpoint.unwrap_or(table.input_bucket),
            region: table.region,
            owner: table.owner,
            name,
        };
        Ok(config.backends.into_iter().map(summary).collect())
    }

    fn resolve(&self, name: Option<&str>, env: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<Backend> {
        let names = || self.backends.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let name = match (name, &self.backend, self.backends.len()) {
            (Some(name), _, _) => name,
            (None, Some(name), _) => name.as_str(),
            (None, None, 1) => self.backends.keys().next().map_or("", String::as_str),
            (None, None, 0) => bail!("there is no `[backends.NAME]`"),
            (None, None, _) => bail!(
                "there are several backends ({}): choose one with `backend = \"NAME\"` or --backend NAME",
                names()
            ),
        };
        let Some(table) = self.backends.get(name) else {
            bail!(
                "there is no backend `{name}`; there is: {}",
                if self.backends.is_empty() { "none".to_owned() } else { names() }
            );
        };
        for (key, url, schemes) in
            [("endpoint", &table.endpoint, ["http://", "https://"]), ("socket", &table.socket, ["ws://", "wss://"])]
        {
            if let Some(url) = url
                && !schemes.iter().any(|scheme| url.starts_with(scheme))
            {
                bail!(
                    "`{key}` of the backend `{name}` is `{url}`; it must begin with {} or {}",
                    schemes[0],
                    schemes[1]
                );
            }
        }
        let region = table.region.clone().or_else(|| env("AWS_REGION")).or_else(|| env("AWS_DEFAULT_REGION"));
        Ok(Backend {
            name: name.to_owned(),
            endpoint: table.endpoint.as_ref().map(|url| url.trim_end_matches('/').to_owned()),
            socket: table.socket.clone(),
            region: region.with_context(|| format!("the backend `{name}` has no `region`"))?,
            input_bucket: table.input_bucket.clone(),
            output_bucket: table.output_bucket.clone(),
            owner: table.owner.clone(),
            credentials: table.credentials(name, env)?,
        })
    }
}

impl BackendTable {
    /// The keys written in the file, else those of the environment, else those of the default profile.
    fn credentials(&self, name: &str, env: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<Credentials> {
        match (&self.access_key_id, &self.secret_access_key, &self.profile) {
            (Some(id), Some(secret), _) => {
                return Ok(Credentials {
                    access_key_id: id.clone(),
                    secret_access_key: secret.clone(),
                    session_token: self.session_token.clone(),
                });
            }
            (None, None, Some(profile)) => return Credentials::from_profile(profile, env),
            (None, None, None) => {}
            _ => bail!(
                "the backend `{name}` has one of `access_key_id` and `secret_access_key`; it needs both or neither"
            ),
        }
        if let Some(credentials) = Credentials::from_env(env)? {
            return Ok(credentials);
        }
        let profile = env("AWS_PROFILE").unwrap_or_else(|| "default".to_owned());
        Credentials::from_profile(&profile, env).with_context(|| {
            format!("the backend `{name}` names no keys: write `access_key_id` and `secret_access_key`, or `profile`, or set the AWS_* variables")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCAL: &str = r#"
        backend = "local"
        [backends.local]
        endpoint = "http://127.0.0.1:4100/"
        socket = "ws://127.0.0.1:4100/socket"
        region = "us-east-1"
        input_bucket = "input"
        output_bucket = "output"
        owner = "me"
        access_key_id = "a"
        secret_access_key = "b"
        [backends.aws]
        region = "eu-west-1"
        input_bucket = "i"
        output_bucket = "o"
    "#;

    fn resolve(text: &str, name: Option<&str>, env: &dyn Fn(&str) -> Option<String>) -> Result<Backend, String> {
        toml::from_str::<Config>(text).unwrap().resolve(name, env).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn the_configured_backend_is_used_unless_another_is_named() {
        let local = resolve(LOCAL, None, &|_| None).unwrap();
        assert_eq!((local.name.as_str(), local.endpoint.as_deref()), ("local", Some("http://127.0.0.1:4100")));
        let env = |name: &str| name.starts_with("AWS_").then(|| format!("v-{name}"));
        let aws = resolve(LOCAL, Some("aws"), &env).unwrap();
        assert_eq!(aws.credentials.access_key_id, "v-AWS_ACCESS_KEY_ID");
        assert_eq!((aws.owner.as_str(), aws.endpoint), ("me", None));
    }

    #[test]
    fn errors_name_what_to_write() {
        for (from, to, says) in [
            ("backend = \"local\"", "backend = \"lokal\"", "aws, local"),
            ("backend = \"local\"", "", "several backends"),
            ("http://127", "127", "must begin with http://"),
            ("secret_access_key = \"b\"", "", "both or neither"),
        ] {
            let error = resolve(&LOCAL.replace(from, to), None, &|_| None).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}

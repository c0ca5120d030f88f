//! The emulated account that Terraform is applied to: moto, which ends when this is dropped.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::{PROJECT, output_of};
use crate::platform_file::DeviceKey;

/// The region of the emulated account.
pub const REGION: &str = "us-east-1";

/// A running moto, which is one account.
pub struct MotoAccount {
    /// Ends when its standard input closes, which happens when this is dropped.
    _process: Child,
    port: u16,
    /// The port that gives copies of the account.
    pub control: u16,
    python: PathBuf,
}

#[derive(Deserialize)]
struct Ports {
    port: u16,
    control: u16,
}

#[derive(Deserialize)]
struct Key {
    id: String,
    secret: String,
}

impl MotoAccount {
    /// Starts an empty account. `refusals`: a file that lists calls to refuse.
    pub async fn start(python: &Path, refusals: Option<&Path>) -> Result<Self> {
        let mut process = Command::new(python)
            .arg("-B")
            .arg(script("server.py"))
            .args(refusals)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("moto doesn't start")?;
        let stdout = process.stdout.take().context("moto has no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).await.context("moto can't be read")?;
        let ports: Ports = serde_json::from_str(&line).context("moto did not print its ports")?;
        Ok(Self { _process: process, port: ports.port, control: ports.control, python: python.to_owned() })
    }

    /// The environment variables with which AWS's tools find the account. It accepts any keys.
    pub fn environment(&self) -> [(&'static str, String); 6] {
        [
            ("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", self.port)),
            ("AWS_ACCESS_KEY_ID", "administrator".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "administrator".to_owned()),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_DEFAULT_REGION", REGION.to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ]
    }

    async fn ask<T: serde::de::DeserializeOwned>(&self, arguments: &[&str]) -> Result<T> {
        let mut command = Command::new(&self.python);
        let answer = output_of(command.arg(script("account.py")).args(arguments).envs(self.environment())).await?;
        serde_json::from_str(&answer).context("account.py printed no JSON")
    }

    /// The number of the account.
    pub async fn id(&self) -> Result<String> {
        self.ask(&["id"]).await
    }

    /// The resources that the account still has.
    pub async fn remaining(&self) -> Result<Vec<String>> {
        self.ask(&["left"]).await
    }

    /// The devices in Terraform's output `devices`, each with a new key. Terraform's state contains no keys.
    pub async fn devices(&self, output: &Value) -> Result<BTreeMap<String, DeviceKey>> {
        let devices = output.as_object().context("the output `devices` is not a map")?;
        let text = |device: &Value, field: &str| {
            device[field].as_str().map(str::to_owned).with_context(|| format!("a device without `{field}`: {device}"))
        };
        let users = devices.values().map(|device| text(device, "user")).collect::<Result<Vec<_>>>()?;
        let arguments: Vec<&str> = std::iter::once("keys").chain(users.iter().map(String::as_str)).collect();
        let mut keys: BTreeMap<String, Key> = self.ask(&arguments).await?;
        let with_key = devices.iter().map(|(name, device)| {
            let user = text(device, "user")?;
            let key = keys.remove(&user).with_context(|| format!("no key for {user}"))?;
            let owner = text(device, "owner")?;
            Ok((name.clone(), DeviceKey { owner, user, access_key_id: key.id, secret_access_key: key.secret }))
        });
        with_key.collect()
    }
}

/// The path of a program in conformance/moto.
pub fn script(name: &str) -> PathBuf {
    Path::new(PROJECT).join("conformance/moto").join(name)
}

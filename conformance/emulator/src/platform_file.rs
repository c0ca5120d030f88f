//! `DIR/platform.json`: what `platform` has applied, for `serve` to read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The content of the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlatformFile {
    /// The port on which moto takes `POST /fork`.
    pub control: u16,
    /// The number of the account.
    pub account: String,
    /// The region everything is in.
    pub region: String,
    /// Terraform's outputs, name to value.
    pub outputs: BTreeMap<String, Value>,
    /// The program of each function, by the function's name (`cargo-cloud-compile`).
    pub functions: BTreeMap<String, PathBuf>,
    /// Access keys, by the name of the device (`me`).
    pub devices: BTreeMap<String, DeviceKey>,
}

/// A device and its access key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceKey {
    /// The owner of the device.
    pub owner: String,
    /// The name of the IAM user.
    pub user: String,
    /// The id of its access key.
    pub access_key_id: String,
    /// The secret half of the access key.
    pub secret_access_key: String,
}

impl PlatformFile {
    fn path(folder: &Path) -> PathBuf {
        folder.join("platform.json")
    }

    /// Reads the file from a folder.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = Self::path(folder);
        let text = std::fs::read(&path).with_context(|| {
            format!(
                "{} can't be read; `aws-emulator platform --dir DIR -- COMMAND` makes it for COMMAND",
                path.display()
            )
        })?;
        serde_json::from_slice(&text).with_context(|| format!("{} is not what `platform` writes", path.display()))
    }

    /// Writes the file to a folder.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let path = Self::path(folder);
        let text = serde_json::to_vec_pretty(self).context("the platform's description has no JSON")?;
        std::fs::write(&path, text).with_context(|| format!("{} can't be written", path.display()))
    }
}

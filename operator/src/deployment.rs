//! A deployment, as Terraform's outputs describe it. One that came about only half lacks some of them.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use protocol::Owner;
use serde::Deserialize;

/// Terraform's outputs.
#[derive(Debug, Default, Deserialize)]
pub struct Deployment {
    client: Option<Output<Client>>,
    buckets: Option<Output<BTreeMap<String, String>>>,
    devices: Option<Output<BTreeMap<String, Device>>>,
    functions: Option<Output<BTreeMap<String, String>>>,
    image_uri: Option<Output<Option<String>>>,
    monthly_gb_seconds: Option<Output<u64>>,
    table: Option<Output<String>>,
}

#[derive(Debug, Deserialize)]
struct Output<T> {
    value: T,
}

/// What a client's configuration needs beside its keys.
#[derive(Debug, Clone, Deserialize)]
pub struct Client {
    /// AWS's region.
    pub region: String,
    /// Where sources go.
    pub input_bucket: String,
    /// Where results come from.
    pub output_bucket: String,
    /// The URL of the WebSocket.
    pub socket: String,
    /// What the image can build for.
    pub targets: Vec<String>,
}

/// A device.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Device {
    /// The IAM user.
    pub user: String,
    /// Whose it is.
    pub owner: Owner,
}

impl Deployment {
    /// Reads what `terraform output -json` printed.
    pub fn from_outputs(text: &str) -> Result<Self> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_str(text).context("these are not the outputs of this configuration (terraform output -json)")
    }

    /// Everything a client is told.
    pub fn client(&self) -> Result<&Client> {
        self.client
            .as_ref()
            .map(|output| &output.value)
            .context("nothing is deployed, or only half: type `make deploy`")
    }

    /// Buckets by what they are for: input, output, cache. None of what isn't there.
    pub fn buckets(&self) -> impl Iterator<Item = (&str, &str)> {
        let buckets = self.buckets.iter().flat_map(|output| &output.value);
        buckets.map(|(what, name)| (what.as_str(), name.as_str()))
    }

    /// Functions by what they do.
    pub fn functions(&self) -> impl Iterator<Item = (&str, &str)> {
        let functions = self.functions.iter().flat_map(|output| &output.value);
        functions.map(|(what, name)| (what.as_str(), name.as_str()))
    }

    /// Devices by name.
    pub fn devices(&self) -> BTreeMap<&str, &Device> {
        let devices = self.devices.iter().flat_map(|output| &output.value);
        devices.map(|(name, device)| (name.as_str(), device)).collect()
    }

    /// One device.
    pub fn device(&self, name: &str) -> Result<&Device> {
        let devices = self.devices();
        if let Some(device) = devices.get(name) {
            return Ok(device);
        }
        let there = devices.keys().copied().collect::<Vec<_>>().join(", ");
        bail!("there is no device `{name}`; there is: {}", if there.is_empty() { "none" } else { &there })
    }

    /// Where usage is kept.
    pub fn table(&self) -> Option<&str> {
        self.table.as_ref().map(|output| output.value.as_str())
    }

    /// The deployed image, by digest.
    pub fn image(&self) -> Option<&str> {
        self.image_uri.as_ref()?.value.as_deref()
    }

    /// What builds may use in a month, in GB-seconds.
    pub fn monthly_gb_seconds(&self) -> Option<u64> {
        self.monthly_gb_seconds.as_ref().map(|output| output.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_deployment_can_be_read() {
        let nothing = Deployment::from_outputs("{}").unwrap();
        assert!(nothing.client().is_err() && nothing.buckets().count() == 0 && nothing.table().is_none());
        assert!(Deployment::from_outputs("").unwrap().devices().is_empty());
        let half = r#"{"table":{"sensitive":false,"type":"string","value":"t"},"image_uri":{"value":null}}"#;
        let half = Deployment::from_outputs(half).unwrap();
        assert_eq!((half.table(), half.image()), (Some("t"), None));
        assert!(Deployment::from_outputs("[]").is_err());
    }
}

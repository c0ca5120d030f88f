//! A deployment, read from Terraform's outputs. An incomplete deployment lacks some of them.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use protocol::Owner;
use serde::Deserialize;

/// The outputs of the Terraform configuration, each of which may be missing.
#[derive(Debug, Default, Deserialize)]
pub struct Deployment {
    client: Option<TerraformOutput<ClientOutput>>,
    buckets: Option<TerraformOutput<BTreeMap<String, String>>>,
    devices: Option<TerraformOutput<BTreeMap<String, DeployedDevice>>>,
    functions: Option<TerraformOutput<BTreeMap<String, String>>>,
    image_uri: Option<TerraformOutput<Option<String>>>,
    monthly_gb_seconds: Option<TerraformOutput<u64>>,
    table: Option<TerraformOutput<String>>,
}

#[derive(Debug, Deserialize)]
struct TerraformOutput<T> {
    value: T,
}

/// Everything a client's configuration needs, except the access key.
#[derive(Debug, Clone, Deserialize)]
pub struct ClientOutput {
    /// The code of the AWS region.
    pub region: String,
    /// Name of the bucket that sources are uploaded to.
    pub input_bucket: String,
    /// Name of the bucket that results are downloaded from.
    pub output_bucket: String,
    /// The URL of the WebSocket.
    pub socket: String,
    /// The targets that the image can build for.
    pub targets: Vec<String>,
}

/// A device that may build.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DeployedDevice {
    /// Name of the device's IAM user.
    pub user: String,
    /// The owner whose builds the device can see.
    pub owner: Owner,
}

impl Deployment {
    /// Reads the outputs as `terraform output -json` prints them. An empty text is an empty deployment.
    pub fn from_outputs(text: &str) -> Result<Self> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_str(text)
            .context("standard input does not contain the outputs of this configuration (terraform output -json)")
    }

    /// The part of a client's configuration that all devices share; an error if the deployment is incomplete.
    pub fn client(&self) -> Result<&ClientOutput> {
        self.client
            .as_ref()
            .map(|output| &output.value)
            .context("the platform is not deployed, or not completely: type `make deploy`")
    }

    /// The roles (input, output, cache) and names of the buckets that exist.
    pub fn buckets(&self) -> impl Iterator<Item = (&str, &str)> {
        let buckets = self.buckets.iter().flat_map(|output| &output.value);
        buckets.map(|(what, name)| (what.as_str(), name.as_str()))
    }

    /// The roles (compile, relay, …) and names of the functions that exist.
    pub fn functions(&self) -> impl Iterator<Item = (&str, &str)> {
        let functions = self.functions.iter().flat_map(|output| &output.value);
        functions.map(|(what, name)| (what.as_str(), name.as_str()))
    }

    /// All devices by their names.
    pub fn devices(&self) -> BTreeMap<&str, &DeployedDevice> {
        let devices = self.devices.iter().flat_map(|output| &output.value);
        devices.map(|(name, device)| (name.as_str(), device)).collect()
    }

    /// The device of this name; the error lists the devices that exist.
    pub fn device(&self, name: &str) -> Result<&DeployedDevice> {
        let devices = self.devices();
        if let Some(device) = devices.get(name) {
            return Ok(device);
        }
        let there = devices.keys().copied().collect::<Vec<_>>().join(", ");
        bail!("there is no device `{name}`; there is: {}", if there.is_empty() { "none" } else { &there })
    }

    /// Name of the DynamoDB table that counts usage.
    pub fn table(&self) -> Option<&str> {
        self.table.as_ref().map(|output| output.value.as_str())
    }

    /// The URI of the deployed image, with its digest.
    pub fn image(&self) -> Option<&str> {
        self.image_uri.as_ref()?.value.as_deref()
    }

    /// How many GB-seconds all builds of a month may use.
    pub fn monthly_gb_seconds(&self) -> Option<u64> {
        self.monthly_gb_seconds.as_ref().map(|output| output.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incomplete_deployment_can_be_read() {
        let nothing = Deployment::from_outputs("{}").unwrap();
        assert!(nothing.client().is_err() && nothing.buckets().count() == 0 && nothing.table().is_none());
        assert!(Deployment::from_outputs("").unwrap().devices().is_empty());
        let half = r#"{"table":{"sensitive":false,"type":"string","value":"t"},"image_uri":{"value":null}}"#;
        let half = Deployment::from_outputs(half).unwrap();
        assert_eq!((half.table(), half.image()), (Some("t"), None));
        assert!(Deployment::from_outputs("[]").is_err());
    }
}

//! Configurations for the client, with which each device reaches this account.

use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};

use crate::platform_file::PlatformFile;

/// Writes `FOLDER/<device>.toml` for each device: the values of Terraform's output, with this emulator's address.
pub fn write_all(platform: &PlatformFile, address: SocketAddr, folder: &Path) -> Result<()> {
    let client = platform.outputs.get("client").context("Terraform has no output `client`")?;
    let field = |name: &str| client[name].as_str().with_context(|| format!("the output `client` has no `{name}`"));
    let socket = field("socket")?;
    // wss://<api>.execute-api.<region>.amazonaws.com/<stage>; moto says https.
    let (host, stage) = socket
        .split_once("://")
        .and_then(|(_, rest)| rest.split_once('/'))
        .with_context(|| format!("the socket in the output `client` is not an address of API Gateway: {socket}"))?;
    let api = host.split('.').next().unwrap_or_default();
    for (name, device) in &platform.devices {
        let text = format!(
            "backend = \"aws\"\n\n[backends.aws]\nendpoint = \"http://{address}\"\n\
             socket = \"ws://{address}/execute-api/{api}/{stage}\"\nregion = {region:?}\ninput_bucket = {input:?}\n\
             output_bucket = {output:?}\nowner = {owner:?}\naccess_key_id = {id:?}\nsecret_access_key = {secret:?}\n",
            region = field("region")?,
            input = field("input_bucket")?,
            output = field("output_bucket")?,
            owner = device.owner,
            id = device.access_key_id,
            secret = device.secret_access_key,
        );
        let path = folder.join(format!("{name}.toml"));
        let file = std::fs::File::options().create(true).truncate(true).write(true).mode(0o600).open(&path);
        let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
        written.with_context(|| format!("{} can't be written", path.display()))?;
    }
    Ok(())
}

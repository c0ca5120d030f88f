//! The access keys of devices. Terraform doesn't make them, because its state would contain them.

use anyhow::{Context, Result};
use aws_sdk_iam::Client;
use aws_sdk_iam::types::AccessKeyMetadata;
use data_encoding::HEXLOWER;
use protocol::ClientLine;
use sha2::{Digest, Sha256};

use crate::aws::{self, refused};
use crate::deployment::Deployment;
use crate::qr;

/// How many keys a user may have at a time (docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).
const MOST_KEYS: usize = 2;

/// Makes a key and prints the line for `cargo cloud configure`, on standard output and nowhere else. `columns`: the width
/// of the terminal, for a QR code. A device has one key: its earlier keys are deleted.
pub async fn issue(deployment: &Deployment, name: &str, columns: Option<usize>) -> Result<()> {
    let device = deployment.device(name)?;
    let client = deployment.client()?;
    let iam = Client::new(&aws::config().await);
    let mut former = of(&iam, &device.user).await?;
    former.sort_by_key(|key| key.create_date().map(|date| date.secs()));
    while former.len() >= MOST_KEYS {
        delete(&iam, &device.user, &former.remove(0)).await?;
    }
    let made =
        iam.create_access_key().user_name(&device.user).send().await.map_err(refused("AWS did not make a key"))?;
    let key = made.access_key.context("AWS made a key but did not return it")?;
    for key in &former {
        delete(&iam, &device.user, key).await?;
    }
    let line = ClientLine {
        region: client.region.clone(),
        input_bucket: client.input_bucket.clone(),
        output_bucket: client.output_bucket.clone(),
        socket: Some(client.socket.clone()),
        endpoint: None,
        owner: device.owner.clone(),
        access_key_id: key.access_key_id,
        secret_access_key: key.secret_access_key,
    };
    let line = line.encode(|bytes| HEXLOWER.encode(&Sha256::digest(bytes)));
    // With a hyphen, because a new tablet has no cargo.
    let command = format!("cargo-cloud configure {line}");
    println!("{command}");
    match columns.map(|columns| qr::code(&command, columns)) {
        Some(Ok(code)) => println!("\n{code}"),
        Some(Err(why)) => eprintln!("note: no QR code: {why}"),
        None => {}
    }
    Ok(())
}

/// Deletes all keys of a device: AWS refuses its requests from now on.
pub async fn revoke(deployment: &Deployment, name: &str) -> Result<()> {
    let user = &deployment.device(name)?.user;
    let iam = Client::new(&aws::config().await);
    for key in of(&iam, user).await? {
        delete(&iam, user, &key).await?;
    }
    Ok(())
}

/// The day when a key of a device was last used, as far as AWS knows it: `2026-11-26`.
pub async fn last_used(iam: &Client, user: &str) -> Result<Option<String>> {
    let mut last = None;
    for key in of(iam, user).await? {
        let id = key.access_key_id().unwrap_or_default();
        let answer = iam.get_access_key_last_used().access_key_id(id).send().await;
        let used = answer.map_err(refused("AWS doesn't say when a key was last used"))?.access_key_last_used;
        last = last.max(used.and_then(|used| used.last_used_date).map(|date| date.secs()));
    }
    Ok(last.map(|secs| aws::time(secs * 1000).chars().take("2026-11-26".len()).collect()))
}

async fn of(iam: &Client, user: &str) -> Result<Vec<AccessKeyMetadata>> {
    let answer = iam.list_access_keys().user_name(user).send().await;
    Ok(answer.map_err(refused("the device's keys can't be listed"))?.access_key_metadata)
}

async fn delete(iam: &Client, user: &str, key: &AccessKeyMetadata) -> Result<()> {
    let id = key.access_key_id().unwrap_or_default();
    iam.delete_access_key()
        .user_name(user)
        .access_key_id(id)
        .send()
        .await
        .map_err(refused("a key can't be deleted"))?;
    eprintln!("deleted the key {id}");
    Ok(())
}

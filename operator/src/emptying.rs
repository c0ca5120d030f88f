//! Preparation for `terraform destroy`: stops all builds and empties the buckets.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};

use crate::aws::{self, refused};
use crate::deployment::Deployment;
use crate::usage;

/// How often to check whether builds have ended.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// Prevents new builds and cancels running ones by deleting their sources. Returns when they have ended, or after `wait`.
pub async fn stop(deployment: &Deployment, wait: Duration) -> Result<()> {
    let config = aws::config().await;
    if let Some((_, function)) = deployment.functions().find(|(what, _)| *what == "compile") {
        let lambda = aws_sdk_lambda::Client::new(&config);
        let stopped =
            lambda.put_function_concurrency().function_name(function).reserved_concurrent_executions(0).send().await;
        match stopped {
            // An earlier `make destroy` has already removed the function.
            Err(error) if error.code() == Some("ResourceNotFoundException") => {}
            stopped => drop(stopped.map_err(refused("the compile function can't be stopped"))?),
        }
    }
    if let Some((_, bucket)) = deployment.buckets().find(|(what, _)| *what == "input") {
        remove_objects(&aws::s3(&config), bucket).await?;
    }
    let began = Instant::now();
    loop {
        let running = usage::running(deployment).await?;
        if running.is_empty() {
            return Ok(());
        }
        if began.elapsed() >= wait {
            eprintln!(
                "{} builds have not ended after {} s; they end when the function is removed",
                running.len(),
                wait.as_secs()
            );
            return Ok(());
        }
        tokio::time::sleep(POLL_INTERVAL.min(wait)).await;
    }
}

/// Deletes every object, every version and every unfinished upload.
pub async fn empty(deployment: &Deployment) -> Result<()> {
    let s3 = aws::s3(&aws::config().await);
    for (_, bucket) in deployment.buckets() {
        let uploads = abort_uploads(&s3, bucket).await?;
        let objects = remove_objects(&s3, bucket).await?;
        eprintln!("{bucket}: {objects} objects and {uploads} unfinished uploads deleted");
    }
    Ok(())
}

async fn remove_objects(s3: &Client, bucket: &str) -> Result<usize> {
    let mut removed = 0;
    loop {
        // Always the first page: its objects are deleted before the next call.
        let page = match s3.list_object_versions().bucket(bucket).send().await {
            Ok(page) => page,
            // An earlier `make destroy` has already removed the bucket.
            Err(error) if error.code() == Some("NoSuchBucket") => return Ok(removed),
            Err(error) => return Err(refused("a bucket can't be listed")(error)),
        };
        let versions = page.versions().iter().map(|version| (version.key(), version.version_id()));
        let markers = page.delete_markers().iter().map(|marker| (marker.key(), marker.version_id()));
        let objects = versions.chain(markers).filter_map(|(key, version)| {
            ObjectIdentifier::builder().key(key?).set_version_id(version.map(str::to_owned)).build().ok()
        });
        let objects: Vec<_> = objects.collect();
        if objects.is_empty() {
            return Ok(removed);
        }
        removed += objects.len();
        let delete = Delete::builder()
            .set_objects(Some(objects))
            .quiet(true)
            .build()
            .context("the list of objects to delete is invalid")?;
        let deleted = s3.delete_objects().bucket(bucket).delete(delete).send().await;
        if let Some(error) = deleted.map_err(refused("objects can't be deleted"))?.errors().first() {
            let (key, why) = (error.key().unwrap_or_default(), error.message().unwrap_or_default());
            bail!("`{key}` in {bucket} can't be deleted: {why}");
        }
    }
}

async fn abort_uploads(s3: &Client, bucket: &str) -> Result<usize> {
    let mut aborted = 0;
    loop {
        let page = match s3.list_multipart_uploads().bucket(bucket).send().await {
            Ok(page) => page,
            Err(error) if error.code() == Some("NoSuchBucket") => return Ok(aborted),
            Err(error) => return Err(refused("unfinished uploads can't be listed")(error)),
        };
        if page.uploads().is_empty() {
            return Ok(aborted);
        }
        for upload in page.uploads() {
            let (key, id) = (upload.key().unwrap_or_default(), upload.upload_id().unwrap_or_default());
            let done = s3.abort_multipart_upload().bucket(bucket).key(key).upload_id(id).send().await;
            done.map_err(refused("an unfinished upload can't be aborted"))?;
            aborted += 1;
        }
    }
}

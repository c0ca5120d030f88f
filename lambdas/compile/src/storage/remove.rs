//! Lists and removes objects, and writes the marks of a cleaning.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};

use super::{S3Bucket, S3Error};

impl S3Bucket {
    /// Lists the objects below a prefix, with their sizes in bytes, in pages of at most 1,000 objects.
    pub async fn list(&self, prefix: &str) -> Result<Vec<Vec<(String, u64)>>, S3Error> {
        let mut pages = Vec::new();
        let mut listing = self.client.list_objects_v2().bucket(&self.name).prefix(prefix).into_paginator().send();
        while let Some(page) = listing.next().await {
            let page = page.map_err(S3Error::call("ListObjectsV2", prefix))?;
            let objects = page.contents().iter().filter_map(|object| {
                Some((object.key()?.to_owned(), u64::try_from(object.size().unwrap_or_default()).unwrap_or_default()))
            });
            pages.push(objects.collect());
        }
        Ok(pages)
    }

    /// Removes at most 1,000 objects. An object that doesn't exist is not an error.
    pub async fn delete<'a>(&self, keys: impl Iterator<Item = &'a str>) -> Result<(), S3Error> {
        let objects = keys.filter_map(|key| ObjectIdentifier::builder().key(key).build().ok()).collect::<Vec<_>>();
        let Some(first) = objects.first().map(|object| object.key().to_owned()) else { return Ok(()) };
        let Ok(delete) = Delete::builder().set_objects(Some(objects)).quiet(true).build() else { return Ok(()) };
        let deleted = self.client.delete_objects().bucket(&self.name).delete(delete).send().await;
        let deleted = deleted.map_err(S3Error::call("DeleteObjects", &first))?;
        match deleted.errors().first() {
            None => Ok(()),
            Some(error) => Err(S3Error::Call {
                operation: "DeleteObjects",
                key: error.key().unwrap_or_default().to_owned(),
                code: error.code().unwrap_or("no code").to_owned(),
                why: error.message().unwrap_or_default().to_owned(),
            }),
        }
    }

    /// Writes an object whose content, the time in nanoseconds, gives it a new ETag.
    pub async fn put_unique(&self, key: &str) -> Result<(), S3Error> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let body = ByteStream::from(now.to_string().into_bytes());
        let put = self.client.put_object().bucket(&self.name).key(key).content_type("text/plain").body(body);
        put.send().await.map(drop).map_err(S3Error::call("PutObject", key))
    }
}

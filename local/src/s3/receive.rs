//! Writes a request's body to disk while it counts and hashes the bytes. The body is never held in memory.

use std::time::Duration;

use data_encoding::HEXLOWER;
use futures_util::StreamExt;
use protocol::limits::MAX_SOURCE_BYTES;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::{Checksum, StreamingBlob};
use s3s::{S3Error, S3Result, TrailingHeaders, s3_error};
use tempfile::{NamedTempFile, TempPath};
use tokio::io::AsyncWriteExt;

use super::errors;
use crate::objects::{Objects, blocking};

/// How long to wait for the next bytes of a body before the request fails.
const PATIENCE: Duration = Duration::from_secs(120);

/// The checksums of the body that the client sent in addition to the signature.
#[derive(Debug, Default)]
pub(super) struct Claims {
    /// MD5 in Base64, from the header `Content-MD5`.
    pub md5: Option<String>,
    /// Checksum from the header `x-amz-checksum-…`, if there was one.
    pub checksum: Checksum,
    /// Headers after the body, which can hold the checksum instead.
    pub trailers: Option<TrailingHeaders>,
    /// The algorithm of the trailer, as in `x-amz-trailer` or `x-amz-sdk-checksum-algorithm`.
    pub algorithm: Option<String>,
}

/// A body that was received and stored in a file.
#[derive(Debug)]
pub(super) struct Received {
    pub file: TempPath,
    pub size: u64,
    /// MD5 of the body in lower-case hex.
    pub etag: String,
}

/// Receives a body of at most `limit` bytes into a file and checks it against the claimed checksums.
pub(super) async fn receive(
    objects: &Objects,
    body: Option<StreamingBlob>,
    length: Option<i64>,
    limit: u64,
    claims: Claims,
) -> S3Result<Received> {
    if length.is_some_and(|length| u64::try_from(length).unwrap_or(0) > limit) {
        return Err(too_large());
    }
    let staging = objects.staging().to_owned();
    let file = blocking(move || NamedTempFile::new_in(staging)).await.map_err(errors::of_io)?;
    let (file, path) = file.into_parts();
    let mut file = tokio::fs::File::from_std(file);
    let mut md5 = Md5::new();
    let mut hasher = hasher_for(&claims)?;
    let mut size = 0;
    if let Some(mut body) = body {
        while let Some(chunk) = next(&mut body).await? {
            size += chunk.len() as u64;
            if size > limit {
                return Err(too_large());
            }
            md5.update(&chunk);
            hasher.update(&chunk);
            file.write_all(&chunk).await.map_err(errors::of_io)?;
        }
    }
    file.flush().await.map_err(errors::of_io)?;
    let md5 = md5.finalize();
    check(claims, &md5, hasher.finalize())?;
    Ok(Received { file: path, size, etag: HEXLOWER.encode(&md5) })
}

async fn next(body: &mut StreamingBlob) -> S3Result<Option<bytes::Bytes>> {
    let Ok(chunk) = tokio::time::timeout(PATIENCE, body.next()).await else {
        return Err(s3_error!(RequestTimeout, "no data came for two minutes; send the request again"));
    };
    chunk.transpose().map_err(|error| {
        let why = format!("the upload broke off, or is not what was signed ({error}); send it again");
        S3Error::with_message(s3s::S3ErrorCode::IncompleteBody, why)
    })
}

pub(super) fn too_large() -> S3Error {
    let mib = MAX_SOURCE_BYTES / (1024 * 1024);
    s3_error!(
        EntityTooLarge,
        "the source is larger than {} MiB: leave large folders out with `exclude` under [workspace.metadata.cloud]",
        mib
    )
}

fn hasher_for(claims: &Claims) -> S3Result<ChecksumHasher> {
    let named = claims.algorithm.as_deref().unwrap_or_default().to_ascii_lowercase();
    let named = named.trim_start_matches("x-amz-checksum-");
    let sum = &claims.checksum;
    let hasher = ChecksumHasher {
        crc32: (sum.checksum_crc32.is_some() || named == "crc32").then(Default::default),
        crc32c: (sum.checksum_crc32c.is_some() || named == "crc32c").then(Default::default),
        sha1: (sum.checksum_sha1.is_some() || named == "sha1").then(Default::default),
        sha256: (sum.checksum_sha256.is_some() || named == "sha256").then(Default::default),
        crc64nvme: (sum.checksum_crc64nvme.is_some() || named == "crc64nvme").then(Default::default),
    };
    if !matches!(named, "" | "crc32" | "crc32c" | "sha1" | "sha256" | "crc64nvme") {
        return Err(s3_error!(InvalidRequest, "this backend doesn't know the checksum algorithm"));
    }
    Ok(hasher)
}

fn check(claims: Claims, md5: &[u8], computed: Checksum) -> S3Result<()> {
    let mut claimed = claims.checksum;
    if let Some(trailers) = claims.trailers.and_then(|trailers| trailers.take()) {
        let trailer = |name: &str| trailers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        claimed.checksum_crc32 = claimed.checksum_crc32.or_else(|| trailer("x-amz-checksum-crc32"));
        claimed.checksum_crc32c = claimed.checksum_crc32c.or_else(|| trailer("x-amz-checksum-crc32c"));
        claimed.checksum_sha1 = claimed.checksum_sha1.or_else(|| trailer("x-amz-checksum-sha1"));
        claimed.checksum_sha256 = claimed.checksum_sha256.or_else(|| trailer("x-amz-checksum-sha256"));
        claimed.checksum_crc64nvme = claimed.checksum_crc64nvme.or_else(|| trailer("x-amz-checksum-crc64nvme"));
    }
    let differs = |claimed: Option<String>, computed: Option<String>| claimed.is_some() && claimed != computed;
    let wrong = claims.md5.is_some_and(|claimed| claimed != base64_simd::STANDARD.encode_to_string(md5))
        || differs(claimed.checksum_crc32, computed.checksum_crc32)
        || differs(claimed.checksum_crc32c, computed.checksum_crc32c)
        || differs(claimed.checksum_sha1, computed.checksum_sha1)
        || differs(claimed.checksum_sha256, computed.checksum_sha256)
        || differs(claimed.checksum_crc64nvme, computed.checksum_crc64nvme);
    if wrong {
        return Err(s3_error!(BadDigest, "the body does not match its checksum; send the request again"));
    }
    Ok(())
}

//! Who sent a request: reads its body and checks its signature.

use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::http::request::Parts;
use sha2::{Digest, Sha256};

use super::request::Signed;
use super::signature::{Denied, Signature};
use crate::serve::call::Principal;
use crate::serve::emulator::Emulator;
use crate::serve::keys::AccessKey;
use crate::serve::s3::chunked;

/// How far a clock may be off (S3: RequestTimeTooSkewed; the others have the same limit).
const MAX_SKEW: Duration = Duration::from_secs(15 * 60);

/// Why a request is not taken.
#[derive(Debug)]
pub enum Failure {
    /// The connection broke off.
    Broken,
    /// The signature.
    Denied(Denied),
    /// The scope names another region than this one.
    Region(String),
    /// The content is not what its digest says.
    Digest,
    /// Its chunks can't be read.
    Chunks(String),
}

/// Reads and checks a request. The service is the one its signature names.
pub async fn read(
    emulator: &Emulator,
    head: &Parts,
    body: Incoming,
) -> Result<(Option<Signature>, Option<Arc<AccessKey>>, Bytes), Failure> {
    // All of it, even if it is refused: then the answer reaches a client that is still sending.
    let body = body.collect().await.map_err(|_| Failure::Broken)?.to_bytes();
    let Some(signature) = Signature::read(head).map_err(Failure::Denied)? else { return Ok((None, None, body)) };
    if signature.region != emulator.platform.region {
        return Err(Failure::Region(signature.region));
    }
    let key = emulator.keys.find(&signature.key).ok_or_else(|| Denied::Key(signature.key.clone()));
    let key = key.map_err(Failure::Denied)?;
    let content = head.headers.get("x-amz-content-sha256").and_then(|value| value.to_str().ok());
    let is_s3 = signature.service == "s3";
    let payload = match content {
        Some(content) if is_s3 => content.to_owned(),
        None if is_s3 && signature.expires.is_some() => "UNSIGNED-PAYLOAD".to_owned(),
        None if is_s3 => return Err(Failure::Denied(Denied::Malformed("x-amz-content-sha256".to_owned()))),
        _ => hex(&Sha256::digest(&body)),
    };
    let now = SystemTime::now();
    let checked = signature.verify(head, &payload, &key.secret, key.token.as_deref(), now, MAX_SKEW);
    checked.map_err(Failure::Denied)?;
    let body = match payload.as_str() {
        "UNSIGNED-PAYLOAD" => body,
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER" => chunked::decode(&body).map_err(Failure::Chunks)?,
        other if other.starts_with("STREAMING-") => return Err(Failure::Chunks(format!("{other} is not known here"))),
        digest if digest == hex(&Sha256::digest(&body)) => body,
        _ => return Err(Failure::Digest),
    };
    Ok((Some(signature), Some(key), body))
}

/// Puts a request together with its sender.
pub fn signed(head: Parts, body: Bytes, key: Option<&AccessKey>, plain: bool) -> Signed {
    Signed {
        head,
        body,
        principal: key.map_or(Principal::Anonymous, |key| key.principal.clone()),
        sandbox: key.and_then(|key| key.sandbox),
        plain,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

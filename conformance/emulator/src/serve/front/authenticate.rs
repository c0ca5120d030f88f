//! Finds out who sent a request: reads its body and checks its signature.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use data_encoding::HEXLOWER;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::http::request::Parts;
use sha2::{Digest, Sha256};

use crate::serve::call::Principal;
use crate::serve::http::signature::{InvalidSignature, Signature};
use crate::serve::http::{AuthenticatedRequest, chunked};
use crate::serve::keys::{KeyStore, SigningKey};

/// Why a request is refused before its service sees it.
#[derive(Debug)]
pub enum AuthenticationFailure {
    /// The connection broke before the whole body arrived.
    Broken,
    /// The signature is wrong, or can't be read.
    Signature(InvalidSignature),
    /// The scope of the signature names another region.
    Region(String),
    /// The content doesn't match its digest.
    Digest,
    /// The chunks of the body can't be read.
    Chunks(String),
}

/// The body of a request, and who signed it.
pub struct Authenticated {
    /// The signature, which names the service; `None` for a request without one.
    pub signature: Option<Signature>,
    /// The key that the request is signed with.
    pub key: Option<Arc<SigningKey>>,
    /// The body without the encoding that it travelled in.
    pub body: Bytes,
}

/// Reads and checks a request. `region`: the only region of this emulator.
pub async fn read(
    keys: &KeyStore,
    region: &str,
    head: &Parts,
    body: Incoming,
) -> Result<Authenticated, AuthenticationFailure> {
    // The whole body even of a request that is refused, so that the answer reaches a client that is still sending.
    let body = body.collect().await.map_err(|_| AuthenticationFailure::Broken)?.to_bytes();
    let Some(signature) = Signature::read(head).map_err(AuthenticationFailure::Signature)? else {
        return Ok(Authenticated { signature: None, key: None, body });
    };
    if signature.region != region {
        return Err(AuthenticationFailure::Region(signature.region));
    }
    let key = keys.find(&signature.key).ok_or_else(|| InvalidSignature::Key(signature.key.clone()));
    let key = key.map_err(AuthenticationFailure::Signature)?;
    let content = head.headers.get("x-amz-content-sha256").and_then(|value| value.to_str().ok());
    let is_s3 = signature.service == "s3";
    let payload = match content {
        Some(content) if is_s3 => content.to_owned(),
        None if is_s3 && signature.expires.is_some() => "UNSIGNED-PAYLOAD".to_owned(),
        None if is_s3 => {
            return Err(AuthenticationFailure::Signature(InvalidSignature::Malformed(
                "x-amz-content-sha256".to_owned(),
            )));
        }
        _ => HEXLOWER.encode(&Sha256::digest(&body)),
    };
    let now = SystemTime::now();
    let checked = signature.verify(head, &payload, &key.secret, key.token.as_deref(), now);
    checked.map_err(AuthenticationFailure::Signature)?;
    let body = match payload.as_str() {
        "UNSIGNED-PAYLOAD" => body,
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER" => chunked::decode(&body).map_err(AuthenticationFailure::Chunks)?,
        other if other.starts_with("STREAMING-") => {
            return Err(AuthenticationFailure::Chunks(format!("{other} is not supported by this emulator")));
        }
        digest if digest == HEXLOWER.encode(&Sha256::digest(&body)) => body,
        _ => return Err(AuthenticationFailure::Digest),
    };
    Ok(Authenticated { signature: Some(signature), key: Some(key), body })
}

/// Combines a request with its sender.
pub fn signed(head: Parts, body: Bytes, key: Option<&SigningKey>, plain: bool) -> AuthenticatedRequest {
    AuthenticatedRequest {
        head,
        body,
        principal: key.map_or(Principal::Anonymous, |key| key.principal.clone()),
        sandbox: key.and_then(|key| key.sandbox),
        plain,
    }
}

//! S3: moto keeps the objects, the rest is here.

pub mod chunked;
mod notification;
mod operation;

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, HOST, HeaderValue, TRANSFER_ENCODING};
use hyper::{Request, Response, StatusCode};

pub use notification::Notification;
use operation::Kind;
pub use operation::Operation;

use super::emulator::Emulator;
use super::front::{Reply, Signed, xml_error};
use super::keys::random_uuid;

/// Does what is asked.
pub async fn perform(emulator: &Arc<Emulator>, signed: &Signed, operation: &Operation) -> Reply {
    let answer = match forward(emulator, signed).await {
        Ok(answer) => answer,
        Err(error) => {
            emulator.problems.add(format!("moto fails: {error:#}"));
            return xml_error(500, "InternalError", "We encountered an internal error. Please try again.", &[]);
        }
    };
    let (mut head, body) = answer.into_parts();
    if head.status == StatusCode::NOT_FOUND && matches!(operation.kind, Kind::GetObject | Kind::HeadObject) {
        let call = operation.listing_call(emulator, signed);
        if emulator.authorize(&[call]).is_err() {
            return xml_error(403, "AccessDenied", "Access Denied", &[]);
        }
    }
    if let Some(kind) = operation.creates().filter(|_| head.status.is_success()) {
        notification::created(emulator, signed, operation, kind, &head.headers, &body).await;
    }
    for name in ["server", "access-control-allow-origin", "x-amzn-requestid", "connection", "transfer-encoding"] {
        head.headers.remove(name);
    }
    let id = random_uuid().replace('-', "")[..16].to_uppercase();
    if let Ok(id) = HeaderValue::from_str(&id) {
        head.headers.insert("x-amz-request-id", id);
    }
    // The length of a HEAD's answer is the object's; every other is set by who sends it.
    if operation.kind == Kind::HeadObject {
        let mut response = Response::from_parts(head, Full::default());
        if response.status() != StatusCode::OK {
            response.headers_mut().remove(CONTENT_LENGTH);
        }
        return response;
    }
    head.headers.remove(CONTENT_LENGTH);
    Response::from_parts(head, Full::new(body))
}

/// Sends a request on to moto, its content unwrapped.
async fn forward(emulator: &Emulator, signed: &Signed) -> anyhow::Result<Response<Bytes>> {
    let path = signed.head.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::builder().method(signed.method()).uri(path).body(Full::new(signed.body.clone()))?;
    for (name, value) in &signed.head.headers {
        if [HOST, AUTHORIZATION, CONTENT_LENGTH, TRANSFER_ENCODING].contains(name) || is_wrapping(name.as_str()) {
            continue;
        }
        if name == "content-encoding" && value.to_str().is_ok_and(|text| text == "aws-chunked") {
            continue;
        }
        request.headers_mut().append(name, value.clone());
    }
    request.headers_mut().insert(AUTHORIZATION, emulator.moto.authorization("s3"));
    // What S3 takes an object for that comes without a type; moto would take a form apart.
    let kind = signed.header("content-type").unwrap_or_default();
    if kind.is_empty() || kind.starts_with("application/x-www-form-urlencoded") || kind.starts_with("multipart/") {
        request.headers_mut().insert("content-type", HeaderValue::from_static("binary/octet-stream"));
    }
    emulator.moto.send(request).await
}

/// What is about the content's way here.
fn is_wrapping(name: &str) -> bool {
    const NAMES: [&str; 8] = [
        "expect",
        "connection",
        "x-amz-content-sha256",
        "x-amz-decoded-content-length",
        "x-amz-trailer",
        "x-amz-security-token",
        "x-amz-sdk-checksum-algorithm",
        "x-amz-date",
    ];
    NAMES.contains(&name) || name.starts_with("x-amz-checksum-crc") || name.starts_with("x-amz-checksum-sha")
}

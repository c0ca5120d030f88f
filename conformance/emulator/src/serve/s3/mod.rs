//! S3: moto keeps the objects; access, notifications and the details of HTTP are here.

mod notification;
mod operation;

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, HOST, HeaderValue, TRANSFER_ENCODING};
use hyper::{Request, Response, StatusCode};

use operation::OperationKind;
pub use operation::S3Operation;

use super::account::EmulatedAccount;
use super::call::ActionCall;
use super::functions::Functions;
use super::http::{AuthenticatedRequest, AwsReply, xml_error};
use super::ids::s3_request_id;

/// The service S3 of an account.
pub struct S3 {
    account: Arc<EmulatedAccount>,
    functions: Arc<Functions>,
}

impl S3 {
    /// S3 of this account, which invokes these functions when objects are created.
    pub fn new(account: Arc<EmulatedAccount>, functions: Arc<Functions>) -> Self {
        Self { account, functions }
    }

    /// The calls that the sender has to be allowed.
    pub fn calls(&self, signed: &AuthenticatedRequest, operation: &S3Operation) -> Vec<ActionCall> {
        operation.calls(&self.account, signed)
    }

    /// Performs an operation that was allowed.
    pub async fn perform(&self, signed: &AuthenticatedRequest, operation: &S3Operation) -> AwsReply {
        let answer = match forward(&self.account, signed).await {
            Ok(answer) => answer,
            Err(error) => {
                self.account.problems.add(format!("moto fails: {error:#}"));
                return xml_error(500, "InternalError", "We encountered an internal error. Please try again.", &[]);
            }
        };
        let (mut head, body) = answer.into_parts();
        if head.status == StatusCode::NOT_FOUND
            && matches!(operation.kind, OperationKind::GetObject | OperationKind::HeadObject)
        {
            let call = operation.listing_call(&self.account, signed);
            if self.account.authorize(&[call]).is_err() {
                return xml_error(403, "AccessDenied", "Access Denied", &[]);
            }
        }
        if let Some(kind) = operation.creates().filter(|_| head.status.is_success()) {
            let object =
                notification::created_object(&self.account, signed, operation, kind, &head.headers, &body).await;
            notification::notify(&self.account, &self.functions, &object);
        }
        for name in ["server", "access-control-allow-origin", "x-amzn-requestid", "connection", "transfer-encoding"] {
            head.headers.remove(name);
        }
        if let Ok(id) = HeaderValue::from_str(&s3_request_id()) {
            head.headers.insert("x-amz-request-id", id);
        }
        // In an answer to HEAD the length is the object's; for every other answer the server sets it.
        if operation.kind == OperationKind::HeadObject {
            let mut response = Response::from_parts(head, Full::default());
            if response.status() != StatusCode::OK {
                response.headers_mut().remove(CONTENT_LENGTH);
            }
            return response;
        }
        head.headers.remove(CONTENT_LENGTH);
        Response::from_parts(head, Full::new(body))
    }
}

/// Forwards a request to moto, with its content decoded.
async fn forward(account: &EmulatedAccount, signed: &AuthenticatedRequest) -> anyhow::Result<Response<Bytes>> {
    let path = signed.head.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::builder().method(signed.method()).uri(path).body(Full::new(signed.body.clone()))?;
    for (name, value) in &signed.head.headers {
        if [HOST, AUTHORIZATION, CONTENT_LENGTH, TRANSFER_ENCODING].contains(name) || is_transport_header(name.as_str())
        {
            continue;
        }
        if name == "content-encoding" && value.to_str().is_ok_and(|text| text == "aws-chunked") {
            continue;
        }
        request.headers_mut().append(name, value.clone());
    }
    request.headers_mut().insert(AUTHORIZATION, account.moto.authorization("s3"));
    // The type S3 gives an object that comes without one; moto would parse a form.
    let kind = signed.header("content-type").unwrap_or_default();
    if kind.is_empty() || kind.starts_with("application/x-www-form-urlencoded") || kind.starts_with("multipart/") {
        request.headers_mut().insert("content-type", HeaderValue::from_static("binary/octet-stream"));
    }
    account.moto.send(request).await
}

/// Whether a header describes how the content travelled, not the content.
fn is_transport_header(name: &str) -> bool {
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

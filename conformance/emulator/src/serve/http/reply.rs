//! Answers in the forms of AWS's services.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use crate::serve::ids::{random_uuid, s3_request_id};

/// An answer of this emulator over HTTP.
pub type AwsReply = Response<Full<Bytes>>;

fn reply(status: u16, kind: &'static str, body: impl Into<Bytes>) -> AwsReply {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Ok(id) = HeaderValue::from_str(&random_uuid()) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

/// An answer in JSON, as most services give it.
pub fn json_reply(status: u16, body: &Value) -> AwsReply {
    reply(status, "application/x-amz-json-1.1", body.to_string())
}

/// An error of a service that answers in JSON.
pub fn json_error(status: u16, code: &str, message: &str) -> AwsReply {
    let mut error = json_reply(status, &json!({ "__type": code, "message": message, "Message": message }));
    if let Ok(code) = HeaderValue::from_str(code) {
        error.headers_mut().insert("x-amzn-errortype", code);
    }
    error
}

/// An error of S3. `more`: names and texts of further elements, besides code and message.
pub fn xml_error(status: u16, code: &str, message: &str, more: &[(&str, &str)]) -> AwsReply {
    let escape = |text: &str| quick_xml::escape::escape(text).into_owned();
    let id = s3_request_id();
    let more: String = more.iter().map(|(name, text)| format!("<{name}>{}</{name}>", escape(text))).collect();
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{}</Code><Message>{}</Message>{more}<RequestId>{id}\
         </RequestId></Error>",
        escape(code),
        escape(message)
    );
    reply(status, "application/xml", body)
}

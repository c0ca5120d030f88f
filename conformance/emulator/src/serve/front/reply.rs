//! Answers, in the forms AWS's services have.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use crate::serve::keys::random_uuid;

/// An answer.
pub type Reply = Response<Full<Bytes>>;

fn reply(status: u16, kind: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Ok(id) = HeaderValue::from_str(&random_uuid()) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

/// JSON.
pub fn json_reply(status: u16, body: &Value) -> Reply {
    reply(status, "application/x-amz-json-1.1", body.to_string())
}

/// An error of a service that speaks JSON.
pub fn json_error(status: u16, code: &str, message: &str) -> Reply {
    let mut error = json_reply(status, &json!({ "__type": code, "message": message, "Message": message }));
    if let Ok(code) = HeaderValue::from_str(code) {
        error.headers_mut().insert("x-amzn-errortype", code);
    }
    error
}

/// An error of S3's. `more`: elements that this error has beside code and message.
pub fn xml_error(status: u16, code: &str, message: &str, more: &[(&str, &str)]) -> Reply {
    let escape = |text: &str| quick_xml::escape::escape(text).into_owned();
    let id = random_uuid().replace('-', "")[..16].to_uppercase();
    let more: String = more.iter().map(|(name, text)| format!("<{name}>{}</{name}>", escape(text))).collect();
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{}</Code><Message>{}</Message>{more}<RequestId>{id}\
         </RequestId></Error>",
        escape(code),
        escape(message)
    );
    reply(status, "application/xml", body)
}

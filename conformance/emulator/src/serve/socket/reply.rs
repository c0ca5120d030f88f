//! Answers of the WebSocket API over HTTP.

use http_body_util::Full;
use hyper::header::HeaderValue;
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use crate::serve::http::AwsReply;

/// An answer in API Gateway's form, before there is a connection.
pub fn plain_reply(status: StatusCode, message: &str) -> AwsReply {
    reply(status, &json!({ "message": message }))
}

/// An answer in API Gateway's form about a connection.
pub fn connection_reply(status: StatusCode, message: &str, connection: &str, request: &str) -> AwsReply {
    reply(status, &json!({ "message": message, "connectionId": connection, "requestId": request }))
}

/// An error with the name that SDKs know it by.
pub fn error_reply(status: StatusCode, name: &'static str, message: &str) -> AwsReply {
    let mut reply = plain_reply(status, message);
    reply.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static(name));
    reply
}

fn reply(status: StatusCode, body: &Value) -> AwsReply {
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    response
}

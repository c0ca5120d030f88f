//! Lambda's `Invoke`.

use std::sync::Arc;

use http_body_util::Full;
use hyper::{Method, StatusCode};

use super::call::Call;
use super::emulator::Emulator;
use super::front::{Reply, Signed, json_error, json_reply};
use super::functions::{InvokeError, MAX_EVENT_BYTES};

/// The function a request is about, by name.
fn function(signed: &Signed) -> Result<String, Reply> {
    let path = signed.path();
    let named = path.strip_prefix("/2015-03-31/functions/").and_then(|rest| rest.strip_suffix("/invocations"));
    match named.filter(|_| signed.method() == Method::POST) {
        // An ARN will do as well.
        Some(name) => Ok(name.rsplit(":function:").next().unwrap_or(name).to_owned()),
        None => Err(json_error(501, "UnknownOperationException", &format!("this emulator doesn't know {path}"))),
    }
}

/// What the caller has to be allowed.
pub fn calls(emulator: &Emulator, signed: &Signed) -> Result<Vec<Call>, Reply> {
    let name = function(signed)?;
    let platform = &emulator.platform;
    Ok(vec![Call {
        principal: signed.principal.clone(),
        action: "lambda:InvokeFunction".to_owned(),
        resource: format!("arn:aws:lambda:{}:{}:function:{name}", platform.region, platform.account),
        context: emulator.request_context(signed.plain),
    }])
}

/// Does it.
pub async fn perform(emulator: &Arc<Emulator>, signed: &Signed) -> Reply {
    let name = match function(signed) {
        Ok(name) => name,
        Err(reply) => return reply,
    };
    if !emulator.wiring().functions.contains_key(&name) {
        return json_error(404, "ResourceNotFoundException", &format!("Function not found: {name}"));
    }
    let is_event = signed.header("x-amz-invocation-type") == Some("Event");
    if is_event && signed.body.len() > MAX_EVENT_BYTES {
        return json_error(413, "RequestTooLargeException", "Request must be smaller than 262144 bytes");
    }
    if serde_json::from_slice::<serde::de::IgnoredAny>(&signed.body).is_err() {
        return json_error(400, "InvalidRequestContentException", "Could not parse request body into json");
    }
    if is_event {
        emulator.enqueue(&name, signed.body.clone());
        let mut reply = json_reply(202, &serde_json::Value::Null);
        *reply.body_mut() = Full::default();
        return reply;
    }
    let mut reply = json_reply(200, &serde_json::Value::Null);
    match emulator.invoke(&name, signed.body.clone()).await {
        Ok(answer) => *reply.body_mut() = Full::new(answer),
        Err(InvokeError::NotFound) => *reply.status_mut() = StatusCode::NOT_FOUND,
        Err(InvokeError::Function(error)) => {
            reply.headers_mut().insert("x-amz-function-error", hyper::header::HeaderValue::from_static("Unhandled"));
            *reply.body_mut() = Full::from(error.to_string());
        }
    }
    reply
}

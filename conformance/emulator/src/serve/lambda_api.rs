//! Lambda's API, of which the platform uses `Invoke` alone.

use http_body_util::Full;
use hyper::{Method, StatusCode};

use super::account::EmulatedAccount;
use super::call::ActionCall;
use super::functions::{FunctionError, Functions, MAX_EVENT_BYTES};
use super::http::{AuthenticatedRequest, AwsReply, json_error, json_reply};

/// The name of the function that a request invokes.
fn function(signed: &AuthenticatedRequest) -> Result<String, AwsReply> {
    let path = signed.path();
    let named = path.strip_prefix("/2015-03-31/functions/").and_then(|rest| rest.strip_suffix("/invocations"));
    match named.filter(|_| signed.method() == Method::POST) {
        // An ARN is allowed as well as a name.
        Some(name) => Ok(name.rsplit(":function:").next().unwrap_or(name).to_owned()),
        None => Err(json_error(501, "UnknownOperationException", &format!("this emulator doesn't know {path}"))),
    }
}

/// The calls that the sender has to be allowed.
pub fn calls(account: &EmulatedAccount, signed: &AuthenticatedRequest) -> Result<Vec<ActionCall>, AwsReply> {
    let name = function(signed)?;
    let platform = &account.platform;
    Ok(vec![ActionCall {
        principal: signed.principal.clone(),
        action: "lambda:InvokeFunction".to_owned(),
        resource: format!("arn:aws:lambda:{}:{}:function:{name}", platform.region, platform.account),
        context: account.request_context(signed.plain),
    }])
}

/// Invokes the function and answers with its result, or just accepts the event of an asynchronous invocation.
pub async fn perform(account: &EmulatedAccount, functions: &Functions, signed: &AuthenticatedRequest) -> AwsReply {
    let name = match function(signed) {
        Ok(name) => name,
        Err(reply) => return reply,
    };
    if !account.applied().functions.contains_key(&name) {
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
        functions.enqueue(&name, signed.body.clone());
        let mut reply = json_reply(202, &serde_json::Value::Null);
        *reply.body_mut() = Full::default();
        return reply;
    }
    let mut reply = json_reply(200, &serde_json::Value::Null);
    match functions.invoke(&name, signed.body.clone()).await {
        Ok(answer) => *reply.body_mut() = Full::new(answer),
        Err(FunctionError::NotFound) => *reply.status_mut() = StatusCode::NOT_FOUND,
        Err(FunctionError::Function(error)) => {
            reply.headers_mut().insert("x-amz-function-error", hyper::header::HeaderValue::from_static("Unhandled"));
            *reply.body_mut() = Full::from(error.to_string());
        }
    }
    reply
}

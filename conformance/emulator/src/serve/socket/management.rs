//! `@connections`: how functions post to clients.

use std::sync::Arc;

use hyper::{Method, StatusCode};

use super::connection::MAX_MESSAGE_BYTES;
use super::gateway::Unposted;
use super::{Address, Answer, answer};
use crate::serve::call::{Call, Principal};
use crate::serve::emulator::Emulator;

/// What IAM is asked about a request to `@connections`; `None` when there is no such API.
pub fn call(
    emulator: &Emulator,
    principal: Principal,
    method: &Method,
    address: &Address,
    plain: bool,
) -> Option<Call> {
    let wiring = emulator.wiring();
    let arn = &wiring.apis.get(&address.api)?.arn;
    let id = address.connection.as_deref()?;
    Some(Call {
        principal,
        action: "execute-api:ManageConnections".to_owned(),
        resource: format!("{arn}/{}/{method}/@connections/{id}", address.stage),
        context: emulator.request_context(plain),
    })
}

/// Answers a request to `@connections` that was allowed.
pub async fn manage(emulator: &Arc<Emulator>, method: &Method, address: &Address, body: &[u8]) -> Answer {
    let wiring = emulator.wiring();
    let (Some(api), Some(id)) = (wiring.apis.get(&address.api), address.connection.as_deref()) else {
        return answer(StatusCode::FORBIDDEN, "Forbidden", None);
    };
    if method != Method::POST {
        emulator.problems.add(format!("{method} on @connections: the emulator knows POST alone"));
        return answer(StatusCode::NOT_IMPLEMENTED, "Not implemented", None);
    }
    if body.len() > MAX_MESSAGE_BYTES {
        return error(StatusCode::PAYLOAD_TOO_LARGE, "PayloadTooLargeException", "Payload too large");
    }
    let Ok(text) = String::from_utf8(body.to_vec()) else {
        return error(StatusCode::BAD_REQUEST, "BadRequestException", "A message is text");
    };
    let stage_arn = format!("{}/{}", api.arn, address.stage);
    match emulator.gateway.post(&stage_arn, id, text) {
        Ok(()) => answer(StatusCode::OK, "", None),
        Err(Unposted::Gone) => error(StatusCode::GONE, "GoneException", "Gone"),
        Err(Unposted::Full) => error(StatusCode::TOO_MANY_REQUESTS, "LimitExceededException", "The client is too slow"),
    }
}

/// An error by the name SDKs know it by.
fn error(status: StatusCode, name: &'static str, message: &str) -> Answer {
    let mut answer = answer(status, message, None);
    answer.headers_mut().insert("x-amzn-errortype", hyper::header::HeaderValue::from_static(name));
    answer
}

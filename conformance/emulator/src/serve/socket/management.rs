//! `@connections`: how functions post to clients.

use hyper::{Method, StatusCode};

use super::address::StageAddress;
use super::connection::MAX_MESSAGE_BYTES;
use super::connections::PostRefusal;
use super::gateway::Gateway;
use super::reply::{error_reply, plain_reply};
use crate::serve::account::EmulatedAccount;
use crate::serve::call::ActionCall;
use crate::serve::http::{AuthenticatedRequest, AwsReply};

/// The call that the sender of a request to `@connections` has to be allowed; `None` when there is no such API.
pub fn call(account: &EmulatedAccount, signed: &AuthenticatedRequest, address: &StageAddress) -> Option<ActionCall> {
    let applied = account.applied();
    let arn = &applied.apis.get(&address.api)?.arn;
    let id = address.connection.as_deref()?;
    Some(ActionCall {
        principal: signed.principal.clone(),
        action: "execute-api:ManageConnections".to_owned(),
        resource: format!("{arn}/{}/{}/@connections/{id}", address.stage, signed.method()),
        context: account.request_context(signed.plain),
    })
}

/// Answers a request to `@connections` that was allowed.
pub fn manage(gateway: &Gateway, signed: &AuthenticatedRequest, address: &StageAddress) -> AwsReply {
    let applied = gateway.account.applied();
    let (Some(api), Some(id)) = (applied.apis.get(&address.api), address.connection.as_deref()) else {
        return plain_reply(StatusCode::FORBIDDEN, "Forbidden");
    };
    let method = signed.method();
    if method != Method::POST {
        gateway.account.problems.add(format!("{method} on @connections: the emulator knows only POST"));
        return plain_reply(StatusCode::NOT_IMPLEMENTED, "Not implemented");
    }
    if signed.body.len() > MAX_MESSAGE_BYTES {
        return error_reply(StatusCode::PAYLOAD_TOO_LARGE, "PayloadTooLargeException", "Payload too large");
    }
    let Ok(text) = String::from_utf8(signed.body.to_vec()) else {
        return error_reply(StatusCode::BAD_REQUEST, "BadRequestException", "A message is text");
    };
    let stage_arn = format!("{}/{}", api.arn, address.stage);
    match gateway.connections.post(&stage_arn, id, text) {
        Ok(()) => plain_reply(StatusCode::OK, ""),
        Err(PostRefusal::Gone) => error_reply(StatusCode::GONE, "GoneException", "Gone"),
        Err(PostRefusal::Full) => {
            error_reply(StatusCode::TOO_MANY_REQUESTS, "LimitExceededException", "The client is too slow")
        }
    }
}

//! Invoking the function behind a route.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::timeout;

use crate::serve::account::EmulatedAccount;
use crate::serve::applied::websocket::Route;
use crate::serve::functions::Functions;

/// How long API Gateway waits for a function (integration time-out of WebSocket APIs).
const INTEGRATION_TIMEOUT: Duration = Duration::from_secs(29);

/// Why a route gives no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntegrationFailure {
    /// API Gateway may not invoke the function, or it does not exist.
    Forbidden,
    /// The function answered with an error.
    Failed,
    /// The function took longer than API Gateway waits.
    TimedOut,
    /// The function's answer does not have the form of a proxy integration.
    Malformed,
}

impl IntegrationFailure {
    /// The message that the client receives.
    pub fn message(self) -> &'static str {
        match self {
            Self::Forbidden | Self::Failed | Self::Malformed => "Internal server error",
            Self::TimedOut => "Endpoint request timed out",
        }
    }

    /// The status of the answer to a handshake.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Forbidden => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Failed | Self::Malformed => StatusCode::BAD_GATEWAY,
            Self::TimedOut => StatusCode::GATEWAY_TIMEOUT,
        }
    }
}

#[derive(Deserialize)]
struct ProxyAnswer {
    #[serde(rename = "statusCode")]
    status: u16,
}

/// Invokes the function of a route and returns the status that it answers with. `source`: the route's ARN, for which
/// the function's policy has to allow API Gateway.
pub async fn invoke(
    account: &EmulatedAccount,
    functions: &Arc<Functions>,
    route: &Route,
    source: &str,
    event: &Value,
) -> Result<StatusCode, IntegrationFailure> {
    if !account.may_invoke("apigateway.amazonaws.com", &route.function, source) {
        return Err(IntegrationFailure::Forbidden);
    }
    let applied = account.applied();
    let function = applied.function(&route.function).ok_or(IntegrationFailure::Forbidden)?.name.clone();
    let payload = Bytes::from(event.to_string());
    let functions = functions.clone();
    // The function goes on when API Gateway stops waiting.
    let running = tokio::spawn(async move { functions.invoke(&function, payload).await });
    match timeout(INTEGRATION_TIMEOUT, running).await {
        Ok(Ok(Ok(body))) => status_of(&body).ok_or(IntegrationFailure::Malformed),
        Ok(_) => Err(IntegrationFailure::Failed),
        Err(_) => Err(IntegrationFailure::TimedOut),
    }
}

/// The status in a proxy integration's answer, which has to be a number.
fn status_of(body: &[u8]) -> Option<StatusCode> {
    let answer: ProxyAnswer = serde_json::from_slice(body).ok()?;
    StatusCode::from_u16(answer.status).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_a_status() {
        assert_eq!(status_of(br#"{"statusCode":200,"body":"x","headers":{}}"#), Some(StatusCode::OK));
        for body in ["", "null", "{}", r#"{"statusCode":"200"}"#, r#"{"statusCode":9}"#, r#""ok""#] {
            assert_eq!(status_of(body.as_bytes()), None, "{body}");
        }
    }
}

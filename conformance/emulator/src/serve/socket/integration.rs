//! The function behind a route.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::timeout;

use super::api::Route;
use crate::serve::emulator::Emulator;

/// The longest API Gateway waits (integration time-out of WebSocket APIs).
const PATIENCE: Duration = Duration::from_secs(29);

/// Why a route gives nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// API Gateway may not invoke the function, or there is none.
    Forbidden,
    /// The function failed.
    Failed,
    /// It took too long.
    TimedOut,
    /// What it answered is not of the form that is asked for.
    Malformed,
}

impl Failure {
    /// What clients are told.
    pub fn message(self) -> &'static str {
        match self {
            Self::Forbidden | Self::Failed | Self::Malformed => "Internal server error",
            Self::TimedOut => "Endpoint request timed out",
        }
    }

    /// The status a handshake ends with.
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

/// Invokes the function of a route and gives the status it answers with. `source`: the route's ARN, for which the
/// function has to let API Gateway in.
pub async fn invoke(
    emulator: &Arc<Emulator>,
    route: &Route,
    source: &str,
    event: &Value,
) -> Result<StatusCode, Failure> {
    if !emulator.may_invoke("apigateway.amazonaws.com", &route.function, source) {
        return Err(Failure::Forbidden);
    }
    let wiring = emulator.wiring();
    let function = wiring.function(&route.function).ok_or(Failure::Forbidden)?.name.clone();
    let payload = Bytes::from(event.to_string());
    let emulator = emulator.clone();
    // A function goes on when nobody waits for it any more.
    let running = tokio::spawn(async move { emulator.invoke(&function, payload).await });
    match timeout(PATIENCE, running).await {
        Ok(Ok(Ok(body))) => status_of(&body).ok_or(Failure::Malformed),
        Ok(_) => Err(Failure::Failed),
        Err(_) => Err(Failure::TimedOut),
    }
}

/// The status in a proxy integration's answer: a number, and there has to be one.
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

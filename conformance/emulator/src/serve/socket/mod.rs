//! API Gateway's WebSocket API at `/execute-api/<api>/<stage>`, and `@connections`, by which functions post to clients.

mod api;
mod connection;
mod event;
mod gateway;
mod handshake;
mod integration;
mod management;
mod routes;
mod session;
mod signer;
mod throttle;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Response, StatusCode};
use serde_json::json;

pub use api::Apis;
pub use gateway::Gateway;
pub use handshake::connect;
pub use management::{call, manage};

/// What is answered over HTTP.
pub type Answer = Response<Full<Bytes>>;

/// The path below which everything here is.
const ROOT: &str = "execute-api";

/// What a path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Id of the API.
    pub api: String,
    /// Name of the stage.
    pub stage: String,
    /// The connection, of a path to `@connections`.
    pub connection: Option<String>,
}

impl Address {
    /// Reads `/execute-api/<api>/<stage>[/@connections/<id>]`; `None` for any other path.
    pub fn of(path: &str) -> Option<Self> {
        let decode = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
        let segments: Vec<String> = path.trim_matches('/').split('/').map(decode).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let (api, stage, connection) = match segments[..] {
            [ROOT, api, stage] => (api, stage, None),
            [ROOT, api, stage, "@connections", id] => (api, stage, Some(id.to_owned())),
            _ => return None,
        };
        Some(Self { api: api.to_owned(), stage: stage.to_owned(), connection })
    }
}

/// An answer as API Gateway words it, about a connection or before there is one.
fn answer(status: StatusCode, message: &str, connection: Option<(&str, &str)>) -> Answer {
    let body = match connection {
        Some((connection, request)) => {
            json!({ "message": message, "connectionId": connection, "requestId": request })
        }
        None => json!({ "message": message }),
    };
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert("content-type", hyper::header::HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_stages_and_connections() {
        let address = |path| Address::of(path).map(|a| (a.api, a.stage, a.connection));
        let of = |connection: Option<&str>| Some(("a".to_owned(), "v1".to_owned(), connection.map(str::to_owned)));
        assert_eq!(address("/execute-api/a/v1"), of(None));
        assert_eq!(address("/execute-api/a/v1/"), of(None));
        assert_eq!(address("/execute-api/a/v1/@connections/L0%2Fx%3D"), of(Some("L0/x=")));
        assert_eq!(address("/execute-api/a/v1/%40connections/x"), of(Some("x")));
        for path in ["/", "/execute-api", "/execute-api/a", "/execute-api/a/v1/other/x", "/bucket/a/v1"] {
            assert_eq!(address(path), None, "{path}");
        }
    }
}

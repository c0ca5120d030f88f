//! The events for the functions behind a WebSocket API (API Gateway Developer Guide, "Set up integration requests", "`$context`
//! variables for WebSocket APIs").

use std::net::IpAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper::HeaderMap;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::macros::format_description;

use crate::serve::call::Principal;
use crate::serve::ids::{random_text, random_uuid};
use crate::serve::keys::SigningKey;

/// The facts about a connection that every event contains.
#[derive(Debug, Clone)]
pub struct Peer {
    /// The id of the connection: `L0SM9cOFvHcCIhw=`.
    pub connection: String,
    /// The id of the API.
    pub api: String,
    /// The name of the stage.
    pub stage: String,
    /// The host that the client connected to.
    pub domain: String,
    /// The address of the client.
    pub source_ip: IpAddr,
    /// The client's own name, if it gave one.
    pub user_agent: Option<String>,
    /// The time when the client connected.
    pub connected_at: SystemTime,
}

/// A new connection's id, in the form API Gateway gives them.
pub fn connection_id() -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    random_text(15, ALPHABET).unwrap_or_default() + "="
}

/// The event for `$connect`. `caller`: the key that signed the request.
pub fn connect(peer: &Peer, headers: &HeaderMap, query: &[(String, String)], caller: Option<&SigningKey>) -> Value {
    let mut context = context(peer, "$connect", "CONNECT");
    if let Some(key) = caller {
        let arn = key.principal.caller_arn();
        let id = match &key.principal {
            Principal::User { id, .. } | Principal::Role { id, .. } => id.as_str(),
            Principal::Service { .. } | Principal::Anonymous => "",
        };
        let identity = &mut context["identity"];
        identity["userArn"] = json!(arn);
        identity["accountId"] = json!(arn.split(':').nth(4));
        identity["caller"] = json!(id);
        identity["user"] = json!(id);
        identity["accessKey"] = json!(key.id);
    }
    let headers =
        headers.iter().filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
    let headers: Vec<(String, String)> = headers.collect();
    json!({
        "headers": last_of_each(&headers),
        "multiValueHeaders": all_of_each(&headers),
        "queryStringParameters": last_of_each(query),
        "multiValueQueryStringParameters": all_of_each(query),
        "requestContext": context,
        "isBase64Encoded": false,
    })
}

/// The event for a message on a route. It doesn't say who signed `$connect`: nothing documents that AWS does.
pub fn message(peer: &Peer, route: &str, body: &str) -> Value {
    let mut context = context(peer, route, "MESSAGE");
    context["messageId"] = json!(connection_id());
    json!({ "requestContext": context, "body": body, "isBase64Encoded": false })
}

/// The event for `$disconnect`, with the close code and reason.
pub fn disconnect(peer: &Peer, code: u16, reason: &str) -> Value {
    let mut context = context(peer, "$disconnect", "DISCONNECT");
    context["disconnectStatusCode"] = json!(code);
    context["disconnectReason"] = json!(reason);
    let headers = vec![("Host".to_owned(), peer.domain.clone()), ("x-api-key".to_owned(), String::new())];
    json!({
        "headers": last_of_each(&headers),
        "multiValueHeaders": all_of_each(&headers),
        "requestContext": context,
        "isBase64Encoded": false,
    })
}

fn context(peer: &Peer, route: &str, kind: &str) -> Value {
    let now = SystemTime::now();
    let form = format_description!("[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000");
    json!({
        "routeKey": route,
        "eventType": kind,
        "messageDirection": "IN",
        "stage": peer.stage,
        "apiId": peer.api,
        "domainName": peer.domain,
        "connectionId": peer.connection,
        "connectedAt": millis(peer.connected_at),
        "requestTimeEpoch": millis(now),
        "requestTime": OffsetDateTime::from(now).format(form).unwrap_or_default(),
        "requestId": request_id(),
        "extendedRequestId": request_id(),
        "identity": { "sourceIp": peer.source_ip.to_string(), "userAgent": peer.user_agent },
    })
}

/// The id of a request, which is also in its answer.
pub fn request_id() -> String {
    random_uuid()
}

fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn last_of_each(pairs: &[(String, String)]) -> Value {
    let map: Map<String, Value> = pairs.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    if map.is_empty() { Value::Null } else { Value::Object(map) }
}

fn all_of_each(pairs: &[(String, String)]) -> Value {
    let mut map = Map::new();
    for (name, value) in pairs {
        if let Value::Array(values) = map.entry(name).or_insert_with(|| json!([])) {
            values.push(json!(value));
        }
    }
    if map.is_empty() { Value::Null } else { Value::Object(map) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer() -> Peer {
        Peer {
            connection: connection_id(),
            api: "api".to_owned(),
            stage: "v1".to_owned(),
            domain: "h".to_owned(),
            source_ip: IpAddr::from([127, 0, 0, 1]),
            user_agent: None,
            connected_at: UNIX_EPOCH + Duration::from_millis(1_700_000_000_123),
        }
    }

    #[test]
    fn the_connect_event_names_the_caller_and_the_query() {
        let user = Principal::User {
            arn: "arn:aws:iam::12:user/p/me/t".to_owned(),
            name: "t".to_owned(),
            id: "AIDA".to_owned(),
        };
        let key =
            SigningKey { id: "AKIA".to_owned(), secret: String::new(), token: None, principal: user, sandbox: None };
        let mut headers = HeaderMap::new();
        headers.insert("host", hyper::header::HeaderValue::from_static("h"));
        let query = [("a", "1"), ("b", "2"), ("a", "3")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let event = connect(&peer(), &headers, &query, Some(&key));
        let identity = &event["requestContext"]["identity"];
        assert_eq!(identity["userArn"], "arn:aws:iam::12:user/p/me/t");
        assert_eq!((&identity["accountId"], &identity["accessKey"]), (&json!("12"), &json!("AKIA")));
        assert_eq!(event["queryStringParameters"], json!({"a": "3", "b": "2"}));
        assert_eq!(event["multiValueQueryStringParameters"], json!({"a": ["1", "3"], "b": ["2"]}));
        assert_eq!(event["requestContext"]["connectedAt"], 1_700_000_000_123_u64);
        assert_eq!(event["headers"]["host"], "h");
        let anonymous = connect(&peer(), &headers, &[], None);
        assert!(anonymous["requestContext"]["identity"].get("userArn").is_none());
        assert_eq!(anonymous["queryStringParameters"], Value::Null);
    }

    #[test]
    fn message_and_disconnect_events_have_their_types() {
        let message = message(&peer(), "resume", "{}");
        assert_eq!((&message["requestContext"]["routeKey"], &message["body"]), (&json!("resume"), &json!("{}")));
        assert_eq!(message["requestContext"]["eventType"], "MESSAGE");
        let end = disconnect(&peer(), 1001, "Going away");
        assert_eq!(end["requestContext"]["disconnectStatusCode"], 1001);
        assert_eq!(end["requestContext"]["eventType"], "DISCONNECT");
        assert_eq!(connection_id().len(), 16);
    }
}

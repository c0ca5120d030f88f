//! Which route a message takes.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::serve::applied::websocket::Route;

/// The route of a message by `$request.body.action`; `$default` for what names none, if there is one.
pub fn select<'a>(routes: &'a BTreeMap<String, Route>, message: Option<&str>) -> Option<(&'a str, &'a Route)> {
    let named = message
        .and_then(|text| serde_json::from_str::<Value>(text).ok())
        .and_then(|body| body.get("action").and_then(Value::as_str).map(str::to_owned))
        // These routes are API Gateway's own to take.
        .filter(|key| !key.starts_with('$'))
        .and_then(|key| routes.get_key_value(&key));
    named.or_else(|| routes.get_key_value("$default")).map(|(key, route)| (key.as_str(), route))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(keys: &[&str]) -> BTreeMap<String, Route> {
        keys.iter().map(|key| ((*key).to_owned(), Route { iam: false, function: (*key).to_owned() })).collect()
    }

    #[test]
    fn a_message_takes_the_route_it_names_or_the_default() {
        let ours = routes(&["$connect", "resume"]);
        let chosen = |message| select(&ours, message).map(|(key, _)| key);
        assert_eq!(chosen(Some(r#"{"action":"resume","after":0}"#)), Some("resume"));
        for message in ["", "resume", "[]", "{}", r#"{"action":1}"#, r#"{"action":"$connect"}"#, r#"{"action":"x"}"#] {
            assert_eq!(chosen(Some(message)), None, "{message}");
        }
        assert_eq!(chosen(None), None);
        let with_default = routes(&["$default", "resume"]);
        for message in [None, Some("nonsense"), Some(r#"{"action":"x"}"#)] {
            assert_eq!(select(&with_default, message).map(|(key, _)| key), Some("$default"));
        }
    }
}

//! Paths of the WebSocket API.

/// The first segment of every path of the WebSocket API.
const ROOT: &str = "execute-api";

/// A stage of a WebSocket API, or a connection to it, that a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageAddress {
    /// The id of the API.
    pub api: String,
    /// The name of the stage.
    pub stage: String,
    /// The id of the connection, in a path to `@connections`.
    pub connection: Option<String>,
}

impl StageAddress {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_stages_and_connections() {
        let address = |path| StageAddress::of(path).map(|a| (a.api, a.stage, a.connection));
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

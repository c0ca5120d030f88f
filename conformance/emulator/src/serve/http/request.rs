//! A request whose sender is known.

use bytes::Bytes;
use hyper::Method;
use hyper::http::request::Parts;

use super::signature::parse_query;
use crate::serve::call::Principal;

/// A request with its sender, who is anonymous if the request has no signature.
pub struct AuthenticatedRequest {
    /// The method, the URI and the headers.
    pub head: Parts,
    /// The content, without the encoding that it travelled in.
    pub body: Bytes,
    /// The sender of the request.
    pub principal: Principal,
    /// The number of the sandbox that it came from.
    pub sandbox: Option<u64>,
    /// Whether it counts as sent without TLS.
    pub plain: bool,
}

impl AuthenticatedRequest {
    /// The value of a header, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The method of the request.
    pub fn method(&self) -> &Method {
        &self.head.method
    }

    /// The path with its percent-encoding decoded.
    pub fn path(&self) -> String {
        percent_encoding::percent_decode_str(self.head.uri.path()).decode_utf8_lossy().into_owned()
    }

    /// The names and values of the query, decoded.
    pub fn query(&self) -> Vec<(String, String)> {
        parse_query(self.head.uri.query().unwrap_or_default())
    }
}

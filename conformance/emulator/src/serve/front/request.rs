//! A request of which is known who sent it.

use bytes::Bytes;
use hyper::Method;
use hyper::http::request::Parts;

use super::signature::parse_query;
use crate::serve::call::Principal;

/// A request that is signed (or not: then its principal is nobody).
pub struct Signed {
    /// Method, path, headers.
    pub head: Parts,
    /// The content, without what it was wrapped in on the way.
    pub body: Bytes,
    /// Who sent it.
    pub principal: Principal,
    /// The sandbox it came from.
    pub sandbox: Option<u64>,
    /// Whether it counts as having come without TLS.
    pub plain: bool,
}

impl Signed {
    /// A header, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.head.method
    }

    /// The path, decoded.
    pub fn path(&self) -> String {
        percent_encoding::percent_decode_str(self.head.uri.path()).decode_utf8_lossy().into_owned()
    }

    /// The query, decoded.
    pub fn query(&self) -> Vec<(String, String)> {
        parse_query(self.head.uri.query().unwrap_or_default())
    }
}

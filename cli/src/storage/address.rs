//! The address of a bucket: its host, and the path in front of its keys.

use crate::config::Backend;

/// The parts of a bucket's URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The scheme, `http` or `https`.
    pub scheme: String,
    /// The host, with its port unless that is the scheme's default.
    pub host: String,
    /// The path in front of the keys, which begins and ends with `/`.
    pub prefix: String,
}

impl Address {
    /// The address of a bucket. With an endpoint, the bucket is part of the path. At AWS it is part of the host's name,
    /// unless its name has a dot: AWS's certificates are not valid for such hosts.
    pub fn new(backend: &Backend, bucket: &str) -> Self {
        if let Some(endpoint) = &backend.endpoint {
            let (scheme, rest) = endpoint.split_once("://").unwrap_or(("https", endpoint));
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            let own_port = if scheme == "http" { ":80" } else { ":443" };
            let host = host.strip_suffix(own_port).unwrap_or(host);
            let prefix = if path.is_empty() { format!("/{bucket}/") } else { format!("/{path}/{bucket}/") };
            return Self { scheme: scheme.to_owned(), host: host.to_owned(), prefix };
        }
        let region = &backend.region;
        let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let (host, prefix) = if bucket.contains('.') {
            (format!("s3.{region}.{suffix}"), format!("/{bucket}/"))
        } else {
            (format!("{bucket}.s3.{region}.{suffix}"), "/".to_owned())
        };
        Self { scheme: "https".to_owned(), host, prefix }
    }

    /// Whether this is the device itself, which is never reached through a proxy.
    pub fn is_loopback(&self) -> bool {
        let host = self.host.as_str();
        host.starts_with("127.") || host.starts_with("[::1]") || host.split(':').next() == Some("localhost")
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::config::Credentials;

    pub(crate) fn backend(endpoint: Option<&str>) -> Backend {
        Backend {
            name: "b".to_owned(),
            endpoint: endpoint.map(str::to_owned),
            socket: None,
            region: "eu-west-1".to_owned(),
            input_bucket: "input".to_owned(),
            output_bucket: "output".to_owned(),
            owner: protocol::Owner::default(),
            credentials: Credentials {
                access_key_id: "a".to_owned(),
                secret_access_key: "b".to_owned(),
                session_token: None,
            },
        }
    }

    #[test]
    fn addresses_use_the_endpoint_or_the_region() {
        let url = |endpoint: Option<&str>, bucket: &str| {
            let address = Address::new(&backend(endpoint), bucket);
            format!("{}://{}{}", address.scheme, address.host, address.prefix)
        };
        assert_eq!(url(Some("http://127.0.0.1:4100"), "input"), "http://127.0.0.1:4100/input/");
        assert_eq!(url(Some("https://h:443/s3"), "input"), "https://h/s3/input/");
        assert_eq!(url(None, "my-input"), "https://my-input.s3.eu-west-1.amazonaws.com/");
        assert_eq!(url(None, "my.input"), "https://s3.eu-west-1.amazonaws.com/my.input/");
        assert!(Address::new(&backend(Some("http://[::1]:80")), "b").is_loopback());
        assert!(!Address::new(&backend(None), "b").is_loopback());
    }
}

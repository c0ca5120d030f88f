//! Signature Version 4 (docs.aws.amazon.com/IAM, "Create a signed AWS API request"), for headers and for URLs.

use data_encoding::HEXLOWER;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ring::{digest, hmac};

use super::clock::{Clock, civil};
use crate::config::Credentials;

/// Characters that are percent-encoded: all but letters, digits and `-._~`.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const PATH: &AsciiSet = &QUERY.remove(b'/');

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Signs requests for one identity and region.
#[derive(Debug, Clone)]
pub struct Signer {
    credentials: Credentials,
    region: String,
    clock: Clock,
}

/// The parts of a request that the signature covers, except for headers.
#[derive(Debug)]
pub struct SignedRequest<'a> {
    /// The HTTP method, in capitals.
    pub method: &'a str,
    /// The host, with its port unless that is the scheme's default.
    pub host: &'a str,
    /// The path, not encoded, which begins with `/`.
    pub path: &'a str,
    /// Names and values of the query, not encoded, in any order.
    pub query: &'a [(&'a str, &'a str)],
}

/// When and for which service a request is signed.
struct SignatureStamp<'a> {
    /// The date as `20130524`, in UTC.
    date: &'a str,
    /// Date and time as `20130524T000000Z`, in UTC.
    time: &'a str,
    /// The service's name in signatures, such as `s3`.
    service: &'a str,
}

/// The SHA-256 digest of `bytes` in lower-case hex.
pub fn sha256_hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// The path, percent-encoded as requests contain it.
pub fn encoded_path(path: &str) -> String {
    utf8_percent_encode(path, PATH).to_string()
}

/// The query as the request and the signature contain it: encoded and sorted, without `?`.
pub fn encoded_query(query: &[(&str, &str)]) -> String {
    let encode = |text: &str| utf8_percent_encode(text, QUERY).to_string();
    let mut pairs: Vec<_> = query.iter().map(|(name, value)| (encode(name), encode(value))).collect();
    pairs.sort_unstable();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

impl Signer {
    /// Creates a signer for these keys and this region.
    pub fn new(credentials: Credentials, region: String, clock: Clock) -> Self {
        Self { credentials, region, clock }
    }

    /// Adds the headers that authorise an S3 request. `headers` holds the request's own headers in lower case; all of
    /// them are signed. `payload` is the SHA-256 of the body in hex.
    pub fn sign(&self, subject: &SignedRequest, headers: &mut Vec<(String, String)>, payload: &str) {
        let (date, time) = self.now();
        headers.push(("x-amz-content-sha256".to_owned(), payload.to_owned()));
        headers.push(("x-amz-date".to_owned(), time.clone()));
        if let Some(token) = &self.credentials.session_token {
            headers.push(("x-amz-security-token".to_owned(), token.clone()));
        }
        let mut signed: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        signed.push(("host", subject.host));
        signed.sort_unstable();
        let scope = self.scope(&date, "s3");
        let query = encoded_query(subject.query);
        let stamp = SignatureStamp { date: &date, time: &time, service: "s3" };
        let signature = self.signature(subject, &query, &signed, payload, &stamp);
        let names = signed.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
        let id = &self.credentials.access_key_id;
        headers.push((
            "authorization".to_owned(),
            format!("{ALGORITHM} Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}"),
        ));
    }

    /// The query that authorises opening a socket at `subject` for `expires` seconds (service `execute-api`, empty
    /// body). It includes the subject's own query.
    pub fn presign(&self, subject: &SignedRequest, expires: u32) -> String {
        let (date, time) = self.now();
        let credential = format!("{}/{}", self.credentials.access_key_id, self.scope(&date, "execute-api"));
        let expires = expires.to_string();
        let mut query = subject.query.to_vec();
        query.extend([
            ("X-Amz-Algorithm", ALGORITHM),
            ("X-Amz-Credential", &credential),
            ("X-Amz-Date", &time),
            ("X-Amz-Expires", &expires),
            ("X-Amz-SignedHeaders", "host"),
        ]);
        if let Some(token) = &self.credentials.session_token {
            query.push(("X-Amz-Security-Token", token));
        }
        let query = encoded_query(&query);
        let payload = sha256_hex(b"");
        let signed = [("host", subject.host)];
        let stamp = SignatureStamp { date: &date, time: &time, service: "execute-api" };
        let signature = self.signature(subject, &query, &signed, &payload, &stamp);
        format!("{query}&X-Amz-Signature={signature}")
    }

    fn now(&self) -> (String, String) {
        let (year, month, day, hour, minute, second) = civil(self.clock.unix_ms() / 1000);
        let date = format!("{year:04}{month:02}{day:02}");
        let time = format!("{date}T{hour:02}{minute:02}{second:02}Z");
        (date, time)
    }

    fn scope(&self, date: &str, service: &str) -> String {
        format!("{date}/{}/{service}/aws4_request", self.region)
    }

    fn signature(
        &self,
        subject: &SignedRequest,
        query: &str,
        signed: &[(&str, &str)],
        payload: &str,
        stamp: &SignatureStamp,
    ) -> String {
        let SignatureStamp { date, time, service } = *stamp;
        // S3 expects the path encoded once, other services expect it encoded twice.
        let mut path = encoded_path(subject.path);
        if service != "s3" {
            path = encoded_path(&path);
        }
        let headers: String = signed.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
        let names = signed.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
        let request = format!("{}\n{path}\n{query}\n{headers}\n{names}\n{payload}", subject.method);
        let scope = self.scope(date, service);
        let text = format!("{ALGORITHM}\n{time}\n{scope}\n{}", sha256_hex(request.as_bytes()));
        let secret = format!("AWS4{}", self.credentials.secret_access_key);
        let key = [date, &self.region, service, "aws4_request"].iter().fold(secret.into_bytes(), |key, part| {
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), part.as_bytes()).as_ref().to_vec()
        });
        HEXLOWER.encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), text.as_bytes()).as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys of AWS's own examples.
    fn signer() -> Signer {
        let credentials = Credentials {
            access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
            session_token: None,
        };
        Signer::new(credentials, "us-east-1".to_owned(), Clock::default())
    }

    fn signed(method: &str, path: &str, query: &[(&str, &str)], headers: &[(&str, &str)], payload: &str) -> String {
        let host = "examplebucket.s3.amazonaws.com";
        let mut all = vec![("host", host), ("x-amz-content-sha256", payload), ("x-amz-date", "20130524T000000Z")];
        all.extend(headers);
        all.sort_unstable();
        let subject = SignedRequest { method, host, path, query };
        let stamp = SignatureStamp { date: "20130524", time: "20130524T000000Z", service: "s3" };
        signer().signature(&subject, &encoded_query(query), &all, payload, &stamp)
    }

    // docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
    #[test]
    fn signatures_match_the_examples_of_the_s3_documentation() {
        let empty = sha256_hex(b"");
        assert_eq!(
            signed("GET", "/test.txt", &[], &[("range", "bytes=0-9")], &empty),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        );
        assert_eq!(
            signed(
                "PUT",
                "/test$file.text",
                &[],
                &[("date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")],
                &sha256_hex(b"Welcome to Amazon S3.")
            ),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
        );
        assert_eq!(
            signed("GET", "/", &[("lifecycle", "")], &[], &empty),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
        );
        assert_eq!(
            signed("GET", "/", &[("prefix", "J"), ("max-keys", "2")], &[], &empty),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
        );
    }

    #[test]
    fn a_presigned_query_is_sorted_and_carries_the_token() {
        let mut signer = signer();
        signer.credentials.session_token = Some("a/b=".to_owned());
        let query = [("owner", "me"), ("build", "x")];
        let query = signer.presign(&SignedRequest { method: "GET", host: "h", path: "/prod", query: &query }, 300);
        let names: Vec<_> = query.split('&').map(|pair| pair.split('=').next().unwrap()).collect();
        assert_eq!(
            names,
            [
                "X-Amz-Algorithm",
                "X-Amz-Credential",
                "X-Amz-Date",
                "X-Amz-Expires",
                "X-Amz-Security-Token",
                "X-Amz-SignedHeaders",
                "build",
                "owner",
                "X-Amz-Signature"
            ]
        );
        assert!(query.contains("X-Amz-Security-Token=a%2Fb%3D"));
    }
}

//! Signatures of version 4, in headers or in the query: each is computed again and compared.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use hyper::http::request::Parts;
use subtle::ConstantTimeEq;
use time::PrimitiveDateTime;
use time::macros::format_description;

/// The longest a signature may be good for: SigV4's own limit.
const MAX_EXPIRES: Duration = Duration::from_secs(7 * 24 * 3600);

/// What `x-amz-content-sha256` says of a body without content.
pub const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Why a request is not taken as signed. What each is called differs from service to service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvalidSignature {
    /// Something of the signature is missing, or can't be read.
    Malformed(String),
    /// There is no such access key.
    Key(String),
    /// The session token is not the one that belongs to the key.
    Token,
    /// The signature differs: another secret, or the request was changed on the way.
    Mismatch,
    /// SignedRequest too long ago, or in the future.
    Skewed {
        /// When it was signed, as the request says.
        signed: SystemTime,
        /// The time of this machine.
        now: SystemTime,
    },
    /// A presigned URL whose time is over.
    Expired,
    /// This header is not covered by the signature, and has to be.
    Unsigned(String),
}

/// The signature a request came with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The id of the access key.
    pub key: String,
    /// Region and service of the scope.
    pub region: String,
    /// The service that the request is for: `s3`, `dynamodb`, …
    pub service: String,
    /// The time of the signature.
    pub time: SystemTime,
    /// For how long it is good, of a signature in the query.
    pub expires: Option<Duration>,
    /// Names of the headers it covers, in lower case.
    headers: Vec<String>,
    token: Option<String>,
    signature: String,
}

impl Signature {
    /// Reads the signature of a request; `None` when it has none.
    pub fn read(head: &Parts) -> Result<Option<Self>, InvalidSignature> {
        let query = parse_query(head.uri.query().unwrap_or_default());
        if let Some(value) = head.headers.get("authorization") {
            let value = value.to_str().map_err(|_| malformed("Authorization"))?;
            return Self::of_header(value, head).map(Some);
        }
        if query.iter().any(|(name, _)| name == "X-Amz-Algorithm" || name == "X-Amz-Signature") {
            return Self::of_query(&query).map(Some);
        }
        Ok(None)
    }

    fn of_header(value: &str, head: &Parts) -> Result<Self, InvalidSignature> {
        let rest = value.strip_prefix("AWS4-HMAC-SHA256").ok_or_else(|| malformed("Authorization"))?;
        let fields: HashMap<&str, &str> = rest.split(',').filter_map(|field| field.trim().split_once('=')).collect();
        let field = |name: &str| fields.get(name).copied().ok_or_else(|| malformed(name));
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        let stamp = header("x-amz-date").ok_or_else(|| malformed("x-amz-date"))?;
        let token = header("x-amz-security-token").map(str::to_owned);
        Self::new(field("Credential")?, stamp, None, field("SignedHeaders")?, token, field("Signature")?)
    }

    fn of_query(query: &[(String, String)]) -> Result<Self, InvalidSignature> {
        let one = |name: &str| {
            let mut values = query.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_str());
            match (values.next(), values.next()) {
                (Some(value), None) => Ok(value),
                _ => Err(malformed(name)),
            }
        };
        if one("X-Amz-Algorithm")? != "AWS4-HMAC-SHA256" {
            return Err(malformed("X-Amz-Algorithm"));
        }
        let expires = one("X-Amz-Expires")?.parse().map(Duration::from_secs).ok();
        let expires = expires.filter(|time| !time.is_zero() && *time <= MAX_EXPIRES);
        let expires = expires.ok_or_else(|| malformed("X-Amz-Expires"))?;
        let token = one("X-Amz-Security-Token").ok().map(str::to_owned);
        let (credential, stamp) = (one("X-Amz-Credential")?, one("X-Amz-Date")?);
        Self::new(credential, stamp, Some(expires), one("X-Amz-SignedHeaders")?, token, one("X-Amz-Signature")?)
    }

    fn new(
        credential: &str,
        stamp: &str,
        expires: Option<Duration>,
        headers: &str,
        token: Option<String>,
        signature: &str,
    ) -> Result<Self, InvalidSignature> {
        let [key, date, region, service, "aws4_request"] = credential.split('/').collect::<Vec<_>>()[..] else {
            return Err(malformed("Credential"));
        };
        let time = parse_stamp(stamp).filter(|_| stamp.starts_with(date)).ok_or_else(|| malformed("X-Amz-Date"))?;
        Ok(Self {
            key: key.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
            time,
            expires,
            headers: headers.split(';').map(str::to_ascii_lowercase).collect(),
            token,
            signature: signature.to_owned(),
        })
    }

    /// How far the signer's clock may be from the service's: API Gateway allows 5 minutes for a connection to a
    /// WebSocket, S3 15 (RequestTimeTooSkewed) and the others as many.
    fn max_skew(&self) -> Duration {
        let minutes = if self.service == "execute-api" { 5 } else { 15 };
        Duration::from_secs(minutes * 60)
    }

    /// Checks it against the secret, and against the time. `payload`: what stands for the body in the signature, its
    /// SHA-256 in hex or one of the words S3 has for it.
    pub fn verify(
        &self,
        head: &Parts,
        payload: &str,
        secret: &str,
        token: Option<&str>,
        now: SystemTime,
    ) -> Result<(), InvalidSignature> {
        let skew = self.max_skew();
        if self.token.as_deref() != token {
            return Err(InvalidSignature::Token);
        }
        self.check_covered(head)?;
        let expected = self.compute(head, payload, secret).ok_or(InvalidSignature::Mismatch)?;
        if !bool::from(expected.as_bytes().ct_eq(self.signature.as_bytes())) {
            return Err(InvalidSignature::Mismatch);
        }
        let away = now.duration_since(self.time).unwrap_or_else(|error| error.duration());
        match self.expires {
            // A signature in a query says itself how long it is good; it only can't be of the future.
            Some(expires) if self.service == "s3" => {
                if self.time > now + skew {
                    return Err(InvalidSignature::Skewed { signed: self.time, now });
                }
                if now > self.time + expires {
                    return Err(InvalidSignature::Expired);
                }
            }
            expires => {
                if away > skew {
                    return Err(InvalidSignature::Skewed { signed: self.time, now });
                }
                if expires.is_some_and(|expires| now > self.time + expires) {
                    return Err(InvalidSignature::Expired);
                }
            }
        }
        Ok(())
    }

    /// `host` and all `x-amz-` headers have to be covered: on the way, someone could have added them.
    fn check_covered(&self, head: &Parts) -> Result<(), InvalidSignature> {
        let covered = |name: &str| self.headers.iter().any(|header| header == name);
        if !covered("host") {
            return Err(InvalidSignature::Unsigned("host".to_owned()));
        }
        let names = head.headers.keys().map(|name| name.as_str());
        match names.filter(|name| name.starts_with("x-amz-")).find(|name| !covered(name)) {
            Some(name) => Err(InvalidSignature::Unsigned(name.to_owned())),
            None => Ok(()),
        }
    }

    fn compute(&self, head: &Parts, payload: &str, secret: &str) -> Option<String> {
        let identity = Credentials::new(&self.key, secret, self.token.clone(), None, "emulator").into();
        let mut settings = SigningSettings::default();
        settings.excluded_headers = None;
        if self.service == "s3" {
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        }
        // The signer adds these itself.
        let mut own = vec!["x-amz-date", "x-amz-security-token"];
        settings.payload_checksum_kind = PayloadChecksumKind::NoHeader;
        if let Some(expires) = self.expires {
            settings.signature_location = SignatureLocation::QueryParams;
            settings.expires_in = Some(expires);
        } else if self.headers.iter().any(|name| name == "x-amz-content-sha256") {
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
            own.push("x-amz-content-sha256");
        }
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(&self.service)
            .time(self.time)
            .settings(settings)
            .build()
            .ok()?
            .into();
        let mut headers = Vec::new();
        for name in self.headers.iter().filter(|name| !own.contains(&name.as_str())) {
            for value in head.headers.get_all(name.as_str()) {
                headers.push((name.as_str(), value.to_str().ok()?));
            }
        }
        let host = head.headers.get("host")?.to_str().ok()?;
        let query = match self.expires {
            Some(_) => without_signature(head.uri.query().unwrap_or_default()),
            None => head.uri.query().unwrap_or_default().to_owned(),
        };
        let url = format!("http://{host}{}?{query}", head.uri.path());
        let body = SignableBody::Precomputed(payload.to_owned());
        let request = SignableRequest::new(head.method.as_str(), url, headers.into_iter(), body).ok()?;
        let (_, signature) = sign(request, &params).ok()?.into_parts();
        Some(signature)
    }
}

fn malformed(what: &str) -> InvalidSignature {
    InvalidSignature::Malformed(what.to_owned())
}

/// The parameters of a query, decoded.
pub fn parse_query(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| {
        let text = text.replace('+', " ");
        percent_encoding::percent_decode_str(&text).decode_utf8_lossy().into_owned()
    };
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
        .collect()
}

/// What the signer adds to a query itself.
const SIGNER_PARAMETERS: [&str; 7] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
];

fn without_signature(query: &str) -> String {
    let own = |pair: &&str| !SIGNER_PARAMETERS.contains(&pair.split('=').next().unwrap_or_default());
    query.split('&').filter(own).collect::<Vec<_>>().join("&")
}

fn parse_stamp(stamp: &str) -> Option<SystemTime> {
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    PrimitiveDateTime::parse(stamp, format).ok().map(|time| time.assume_utc().into())
}

#[cfg(test)]
#[path = "signature_tests.rs"]
mod tests;

//! Checks signatures in the query, as API Gateway's IAM authorisation does: it computes each signature again and
//! compares.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use protocol::{BuildId, Owner};
use subtle::ConstantTimeEq;
use thiserror::Error;
use time::PrimitiveDateTime;
use time::macros::format_description;

use crate::keys::{AccessKey, Keys};

/// How far the client's clock may be off; API Gateway tolerates the same.
const MAX_SKEW: Duration = Duration::from_secs(5 * 60);

/// The longest validity of a signature in seconds; this is SigV4's limit.
const MAX_EXPIRES: u64 = 7 * 24 * 3600;

/// The reason why a connection is refused.
#[derive(Debug, Error, PartialEq, Eq)]
pub(super) enum SignatureError {
    #[error("the query must have `{0}` exactly once")]
    Parameter(&'static str),
    #[error("`{0}` in the query can't be read")]
    Malformed(&'static str),
    #[error("this backend doesn't know the access key")]
    Key,
    #[error("the signature is wrong")]
    Signature,
    #[error("the request's time differs from the backend's clock by {0} seconds; set the device's clock")]
    Skewed(u64),
    #[error("the signature has expired")]
    Expired,
    #[error("the access key is another owner's")]
    Owner,
}

/// The build that a signed query asks to follow.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FollowRequest {
    pub owner: Owner,
    pub build: BuildId,
}

/// Checks the signature of `GET <path>?<query>` that was sent to `host`, and reads which build it asks for.
pub(super) fn verify(
    path: &str,
    query: &str,
    host: &str,
    now: SystemTime,
    keys: &Keys,
) -> Result<FollowRequest, SignatureError> {
    let query = Query::parse(query);
    if query.one("X-Amz-Algorithm")? != "AWS4-HMAC-SHA256" {
        return Err(SignatureError::Malformed("X-Amz-Algorithm"));
    }
    if query.one("X-Amz-SignedHeaders")? != "host" {
        return Err(SignatureError::Malformed("X-Amz-SignedHeaders"));
    }
    let credential = query.one("X-Amz-Credential")?;
    let [id, date, region, "execute-api", "aws4_request"] = credential.split('/').collect::<Vec<_>>()[..] else {
        return Err(SignatureError::Malformed("X-Amz-Credential"));
    };
    let stamp = query.one("X-Amz-Date")?;
    let signed_at =
        parse_stamp(stamp).filter(|_| stamp.starts_with(date)).ok_or(SignatureError::Malformed("X-Amz-Date"))?;
    let expires: u64 = query.one("X-Amz-Expires")?.parse().map_err(|_| SignatureError::Malformed("X-Amz-Expires"))?;
    if expires == 0 || expires > MAX_EXPIRES {
        return Err(SignatureError::Malformed("X-Amz-Expires"));
    }
    let key = keys.find(id).ok_or(SignatureError::Key)?;

    let expires = Duration::from_secs(expires);
    let url = format!("http://{host}{path}?{}", query.without_signature());
    let expected = signature(&url, host, region, signed_at, expires, &key).ok_or(SignatureError::Signature)?;
    let given = query.one("X-Amz-Signature")?;
    if !bool::from(expected.as_bytes().ct_eq(given.as_bytes())) {
        return Err(SignatureError::Signature);
    }

    let away = now.duration_since(signed_at).unwrap_or_else(|error| error.duration());
    if away > MAX_SKEW {
        return Err(SignatureError::Skewed(away.as_secs()));
    }
    if now.duration_since(signed_at).is_ok_and(|age| age > expires) {
        return Err(SignatureError::Expired);
    }
    let owner: Owner = query.one("owner")?.parse().map_err(|_| SignatureError::Malformed("owner"))?;
    if owner != key.owner {
        return Err(SignatureError::Owner);
    }
    let build = query.one("build")?.parse().map_err(|_| SignatureError::Malformed("build"))?;
    Ok(FollowRequest { owner, build })
}

/// A query's parameters, each as received and as decoded name and value.
struct Query<'a>(Vec<(&'a str, String, String)>);

impl<'a> Query<'a> {
    fn parse(query: &'a str) -> Self {
        Self(
            query
                .split('&')
                .filter(|pair| !pair.is_empty())
                .map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (pair, decode(name), decode(value))
                })
                .collect(),
        )
    }

    fn one(&self, name: &'static str) -> Result<&str, SignatureError> {
        let mut values = self.0.iter().filter(|(_, n, _)| n == name).map(|(_, _, value)| value.as_str());
        match (values.next(), values.next()) {
            (Some(value), None) => Ok(value),
            _ => Err(SignatureError::Parameter(name)),
        }
    }

    /// The signed part of the query, without the parameters that the signer adds itself.
    fn without_signature(&self) -> String {
        let own = self.0.iter().filter(|(_, name, _)| !name.starts_with("X-Amz-")).map(|(pair, _, _)| *pair);
        own.collect::<Vec<_>>().join("&")
    }
}

fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn parse_stamp(stamp: &str) -> Option<SystemTime> {
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    PrimitiveDateTime::parse(stamp, format).ok().map(|time| time.assume_utc().into())
}

fn signature(
    url: &str,
    host: &str,
    region: &str,
    time: SystemTime,
    expires: Duration,
    key: &AccessKey,
) -> Option<String> {
    let identity = Credentials::new(&key.id, &key.secret, None, None, "local").into();
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.payload_checksum_kind = PayloadChecksumKind::NoHeader;
    settings.expires_in = Some(expires);
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("execute-api")
        .time(time)
        .settings(settings)
        .build()
        .ok()?
        .into();
    let request = SignableRequest::new("GET", url, [("host", host)].into_iter(), SignableBody::Bytes(&[])).ok()?;
    let (_, signature) = sign(request, &params).ok()?.into_parts();
    Some(signature)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "127.0.0.1:4100";
    const BUILD: &str = "01923456-789a-7fff-bfff-ffffffffffff";

    struct Case {
        keys: Keys,
        _folder: tempfile::TempDir,
    }

    impl Case {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let keys = Keys::open(&folder.path().join("keys.json")).unwrap();
            Self { keys, _folder: folder }
        }

        /// A query for `owner`'s build, signed with the key of `signer`.
        fn signed(&self, signer: &str, owner: &str, at: SystemTime, expires: u64) -> String {
            let key = self.keys.of(&signer.parse().unwrap()).unwrap();
            let own = format!("build={BUILD}&owner={owner}");
            let url = format!("http://{HOST}/socket?{own}");
            let expires_in = Duration::from_secs(expires);
            let signature = signature(&url, HOST, "us-east-1", at, expires_in, &key).unwrap();
            let stamp = time::OffsetDateTime::from(at)
                .format(format_description!("[year][month][day]T[hour][minute][second]Z"))
                .unwrap();
            format!(
                "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={}%2F{}%2Fus-east-1%2Fexecute-api%2Faws4_request&\
                 X-Amz-Date={stamp}&X-Amz-Expires={expires}&X-Amz-SignedHeaders=host&{own}&X-Amz-Signature={signature}",
                key.id,
                &stamp[..8]
            )
        }

        fn verify(&self, query: &str, now: SystemTime) -> Result<FollowRequest, SignatureError> {
            verify("/socket", query, HOST, now, &self.keys)
        }
    }

    #[test]
    fn the_owner_of_a_build_is_admitted_within_the_time_limits() {
        let case = Case::new();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let query = case.signed("me", "me", now, 60);
        let wanted = FollowRequest { owner: Owner::default(), build: BUILD.parse().unwrap() };
        assert_eq!(case.verify(&query, now), Ok(wanted));
        assert!(case.verify(&query, now + Duration::from_secs(59)).is_ok());
        assert!(case.verify(&query, now - Duration::from_secs(299)).is_ok());
        assert_eq!(case.verify(&query, now + Duration::from_secs(61)), Err(SignatureError::Expired));
        assert_eq!(case.verify(&query, now + Duration::from_secs(3600)), Err(SignatureError::Skewed(3600)));
        assert_eq!(case.verify(&query, now - Duration::from_secs(301)), Err(SignatureError::Skewed(301)));
    }

    #[test]
    fn any_change_invalidates_the_signature() {
        let case = Case::new();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let query = case.signed("me", "me", now, 60);
        for (from, to) in [
            ("owner=me", "owner=you"),
            ("bfff-ffffffffffff", "bfff-fffffffffff0"),
            ("X-Amz-Expires=60", "X-Amz-Expires=61"),
            ("us-east-1", "us-east-2"),
            ("owner=me", "owner=me&more=1"),
        ] {
            assert_eq!(case.verify(&query.replace(from, to), now), Err(SignatureError::Signature), "{from} {to}");
        }
        assert_eq!(verify("/other", &query, HOST, now, &case.keys), Err(SignatureError::Signature));
        assert_eq!(verify("/socket", &query, "evil:1", now, &case.keys), Err(SignatureError::Signature));
    }

    #[test]
    fn other_owners_are_refused_and_invalid_parameters_are_named() {
        let case = Case::new();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        case.keys.of(&"other".parse().unwrap()).unwrap();
        assert_eq!(case.verify(&case.signed("other", "me", now, 60), now), Err(SignatureError::Owner));
        let query = case.signed("me", "me", now, 60);
        assert_eq!(case.verify(&query.replace("Credential=CC", "Credential=XX"), now), Err(SignatureError::Key));
        assert_eq!(case.verify(&format!("{query}&owner=me"), now), Err(SignatureError::Signature));
        assert_eq!(case.verify("", now), Err(SignatureError::Parameter("X-Amz-Algorithm")));
        assert_eq!(
            case.verify(&query.replace("execute-api", "s3"), now),
            Err(SignatureError::Malformed("X-Amz-Credential"))
        );
        assert_eq!(case.verify(&query.replace("=60", "=0"), now), Err(SignatureError::Malformed("X-Amz-Expires")));
    }
}

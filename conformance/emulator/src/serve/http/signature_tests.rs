use hyper::Request;

use super::*;

const SECRET: &str = "secret";

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

/// A request as a client signs it, with nothing but the signer to say how.
fn signed(service: &str, location: SignatureLocation, token: Option<&str>) -> Parts {
    let identity = Credentials::new("AKIA1", SECRET, token.map(str::to_owned), None, "test").into();
    let mut settings = SigningSettings::default();
    settings.signature_location = location;
    settings.expires_in = matches!(location, SignatureLocation::QueryParams).then_some(Duration::from_secs(60));
    if service == "s3" {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    }
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name(service)
        .time(now())
        .settings(settings);
    let params = params.build().unwrap().into();
    let uri = "http://127.0.0.1:1/bucket/me/a%20b?x=1&prefix=me%2F";
    let mut request = Request::builder().method("PUT").uri(uri).header("host", "127.0.0.1:1");
    if location == SignatureLocation::Headers {
        request = request.header("if-none-match", "*").header("x-amz-meta-name", "two  words");
    }
    let mut request = request.body(()).unwrap();
    let headers: Vec<_> =
        request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    let signable =
        SignableRequest::new("PUT", uri, headers.into_iter(), SignableBody::Precomputed(EMPTY_SHA256.to_owned()))
            .unwrap();
    sign(signable, &params).unwrap().into_parts().0.apply_to_request_http1x(&mut request);
    request.into_parts().0
}

fn check(head: &Parts, token: Option<&str>, now: SystemTime) -> Result<(), InvalidSignature> {
    let signature = Signature::read(head)?.expect("a signature");
    signature.verify(head, EMPTY_SHA256, SECRET, token, now)
}

#[test]
fn what_a_signer_signs_is_taken() {
    for service in ["s3", "dynamodb"] {
        for token in [None, Some("token/+")] {
            let head = signed(service, SignatureLocation::Headers, token);
            assert_eq!(check(&head, token, now()), Ok(()), "{service} {token:?}");
            assert_eq!(check(&head, Some("other"), now()), Err(InvalidSignature::Token));
        }
    }
    for token in [None, Some("token/+")] {
        let head = signed("execute-api", SignatureLocation::QueryParams, token);
        assert_eq!(check(&head, token, now()), Ok(()), "{token:?}");
    }
}

#[test]
fn whatever_is_changed_spoils_it() {
    let head = signed("s3", SignatureLocation::Headers, None);
    let mut other = head.clone();
    other.headers.insert("if-none-match", "x".parse().unwrap());
    assert_eq!(check(&other, None, now()), Err(InvalidSignature::Mismatch));
    let mut other = head.clone();
    other.uri = "http://127.0.0.1:1/bucket/me/a%20c?x=1&prefix=me%2F".parse().unwrap();
    assert_eq!(check(&other, None, now()), Err(InvalidSignature::Mismatch));
    let mut other = head.clone();
    other.headers.insert("x-amz-meta-more", "x".parse().unwrap());
    assert_eq!(check(&other, None, now()), Err(InvalidSignature::Unsigned("x-amz-meta-more".to_owned())));
    let signature = Signature::read(&head).unwrap().unwrap();
    assert_eq!(signature.verify(&head, "UNSIGNED-PAYLOAD", SECRET, None, now()), Err(InvalidSignature::Mismatch));
    assert_eq!(signature.verify(&head, EMPTY_SHA256, "else", None, now()), Err(InvalidSignature::Mismatch));
}

#[test]
fn time_runs_out() {
    let head = signed("s3", SignatureLocation::Headers, None);
    for away in [Duration::from_secs(899), Duration::ZERO] {
        assert_eq!(check(&head, None, now() + away), Ok(()));
        assert_eq!(check(&head, None, now() - away), Ok(()));
    }
    let late = now() + Duration::from_secs(901);
    assert_eq!(check(&head, None, late), Err(InvalidSignature::Skewed { signed: now(), now: late }));
    let head = signed("execute-api", SignatureLocation::QueryParams, None);
    assert_eq!(check(&head, None, now() + Duration::from_secs(61)), Err(InvalidSignature::Expired));
}

#[test]
fn junk_is_named() {
    let head = |value: &str| Request::builder().header("authorization", value).body(()).unwrap().into_parts().0;
    for value in ["", "AWS x:y", "AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request"] {
        assert!(matches!(Signature::read(&head(value)), Err(InvalidSignature::Malformed(_))), "{value}");
    }
    let none = Request::builder().uri("/?x=1").body(()).unwrap().into_parts().0;
    assert_eq!(Signature::read(&none), Ok(None));
}

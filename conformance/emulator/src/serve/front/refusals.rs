//! Refusals of requests whose sender is unknown, in the words of the service that they seem to be for.

use hyper::http::request::Parts;

use super::authenticate::AuthenticationFailure;
use crate::serve::http::signature::InvalidSignature;
use crate::serve::http::{AwsReply, json_error, xml_error};
use crate::serve::socket::StageAddress;
use crate::serve::timestamp::timestamp;

/// The answer to a request whose sender could not be authenticated.
pub fn refuse(head: &Parts, failure: &AuthenticationFailure) -> AwsReply {
    let is_json = head.headers.contains_key("x-amz-target") || StageAddress::of(head.uri.path()).is_some();
    let is_json = is_json || head.uri.path().starts_with("/2015-03-31/");
    if is_json { refuse_json(failure) } else { refuse_s3(failure) }
}

fn refuse_json(failure: &AuthenticationFailure) -> AwsReply {
    let mismatch = "The request signature we calculated does not match the signature you provided.";
    let (code, message) = match failure {
        AuthenticationFailure::Signature(InvalidSignature::Key(_) | InvalidSignature::Token) => {
            ("UnrecognizedClientException", "The security token included in the request is invalid.".to_owned())
        }
        AuthenticationFailure::Signature(InvalidSignature::Malformed(what)) => {
            ("IncompleteSignatureException", format!("{what} can't be read"))
        }
        AuthenticationFailure::Signature(InvalidSignature::Skewed { signed, now }) => {
            let (signed, now) = (timestamp(*signed), timestamp(*now));
            ("InvalidSignatureException", format!("Signature not current: {signed} is too far from {now}."))
        }
        AuthenticationFailure::Region(region) => {
            ("InvalidSignatureException", format!("Credential is of another region: {region}"))
        }
        _ => ("InvalidSignatureException", mismatch.to_owned()),
    };
    json_error(403, code, &message)
}

fn refuse_s3(failure: &AuthenticationFailure) -> AwsReply {
    match failure {
        AuthenticationFailure::Broken | AuthenticationFailure::Signature(InvalidSignature::Expired) => {
            xml_error(403, "AccessDenied", "Request has expired", &[])
        }
        AuthenticationFailure::Signature(InvalidSignature::Malformed(what)) => {
            let message = format!("The authorization is malformed: {what}");
            xml_error(400, "AuthorizationHeaderMalformed", &message, &[])
        }
        AuthenticationFailure::Signature(InvalidSignature::Key(id)) => {
            let message = "The AWS Access Key Id you provided does not exist in our records.";
            xml_error(403, "InvalidAccessKeyId", message, &[("AWSAccessKeyId", id)])
        }
        AuthenticationFailure::Signature(InvalidSignature::Token) => {
            xml_error(400, "InvalidToken", "The provided token is malformed or otherwise invalid.", &[])
        }
        AuthenticationFailure::Signature(InvalidSignature::Mismatch) => {
            let message = "The request signature we calculated does not match the signature you provided. Check your \
                           key and signing method.";
            xml_error(403, "SignatureDoesNotMatch", message, &[])
        }
        AuthenticationFailure::Signature(InvalidSignature::Skewed { signed, now }) => {
            let message = "The difference between the request time and the current time is too large.";
            let (signed, now): (String, String) = (timestamp(*signed), timestamp(*now));
            let more: [(&str, &str); 3] =
                [("RequestTime", &signed), ("ServerTime", &now), ("MaxAllowedSkewMilliseconds", "900000")];
            xml_error(403, "RequestTimeTooSkewed", message, &more)
        }
        AuthenticationFailure::Signature(InvalidSignature::Unsigned(header)) => {
            let message = "There were headers present in the request which were not signed";
            xml_error(403, "AccessDenied", message, &[("HeadersNotSigned", header)])
        }
        AuthenticationFailure::Region(region) => {
            let message = format!("The authorization header is malformed; the region '{region}' is wrong");
            xml_error(400, "AuthorizationHeaderMalformed", &message, &[])
        }
        AuthenticationFailure::Digest => {
            let message = "The provided 'x-amz-content-sha256' header does not match what was computed.";
            xml_error(400, "XAmzContentSHA256Mismatch", message, &[])
        }
        AuthenticationFailure::Chunks(why) => xml_error(400, "IncompleteBody", why, &[]),
    }
}

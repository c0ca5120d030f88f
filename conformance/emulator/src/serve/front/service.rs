//! From a request to the service it is for, and back with its answer, or with what is to go wrong.

use std::sync::Arc;

use hyper::Request;
use hyper::body::Incoming;
use hyper::http::request::Parts;

use super::authenticate::{self, Failure};
use super::reply::{Reply, json_error, xml_error};
use super::request::Signed;
use super::signature::{Denied, Signature};
use crate::serve::call::Call;
use crate::serve::emulator::{Emulator, Refused, timestamp};
use crate::serve::faults::{Deed, Phase};
use crate::serve::s3::Operation;
use crate::serve::socket::{self, Address};
use crate::serve::{dynamodb, events, invoke, s3};

/// The service a request is for.
enum Service {
    S3(Operation),
    DynamoDb,
    Events,
    Lambda,
    Connections(Address),
}

/// Answers a request; `None` breaks the connection.
pub async fn answer(
    emulator: &Arc<Emulator>,
    request: Request<Incoming>,
    address: Option<Address>,
    plain: bool,
) -> Option<Reply> {
    let (head, body) = request.into_parts();
    let (signature, key, body) = match authenticate::read(emulator, &head, body).await {
        Ok(read) => read,
        Err(Failure::Broken) => return None,
        Err(failure) => return Some(refuse(&head, &failure)),
    };
    let signed = authenticate::signed(head, body, key.as_deref(), plain);
    let service = match service_of(signature.as_ref(), &signed, address) {
        Ok(service) => service,
        Err(reply) => {
            let (method, uri) = (signed.method(), &signed.head.uri);
            emulator.problems.add(format!("a request this emulator doesn't know: {method} {uri}"));
            return Some(reply);
        }
    };
    let calls = match service.calls(emulator, &signed) {
        Ok(calls) => calls,
        Err(reply) => return Some(reply),
    };
    if let Err(refused) = emulator.authorize(&calls) {
        return Some(service.denied(&refused));
    }
    let mut refuse_entries = false;
    match emulator.faults.take(&calls, Phase::Before) {
        Some(Deed::FailEntries(true)) => refuse_entries = true,
        Some(deed) => {
            if let Done::Instead(reply) = do_fault(emulator, &service, &signed, &deed).await {
                return reply;
            }
        }
        None => {}
    }
    let reply = service.perform(emulator, &signed, refuse_entries).await;
    if let Some(deed) = emulator.faults.take(&calls, Phase::After)
        && let Done::Instead(reply) = do_fault(emulator, &service, &signed, &deed).await
    {
        return reply;
    }
    if reply.status().is_server_error() {
        let (method, uri, status) = (signed.method(), &signed.head.uri, reply.status());
        emulator.problems.add(format!("{method} {uri} was answered with {status}"));
    }
    Some(reply)
}

/// What became of a fault.
enum Done {
    /// The call goes on.
    GoOn,
    /// This is the answer; `None` breaks the connection.
    Instead(Option<Reply>),
}

async fn do_fault(emulator: &Emulator, service: &Service, signed: &Signed, deed: &Deed) -> Done {
    tracing::info!(?deed, method = %signed.method(), uri = %signed.head.uri, "wrong on purpose");
    match deed {
        Deed::DelayMs(_) => {
            tokio::time::sleep(deed.delay().unwrap_or_default()).await;
            Done::GoOn
        }
        Deed::Kill(true) => {
            if let Some(sandbox) = signed.sandbox {
                emulator.functions.kill(sandbox);
            }
            Done::Instead(None)
        }
        Deed::Reset(true) => Done::Instead(None),
        Deed::Status(status) => Done::Instead(Some(service.error_of(*status, error_name(*status)))),
        Deed::Error(name) => {
            let status = match name.as_str() {
                "SlowDown" | "ServiceUnavailable" => 503,
                "InternalError" | "InternalServerError" | "InternalFailure" | "ServiceException" => 500,
                "TooManyRequestsException" | "LimitExceededException" => 429,
                "GoneException" => 410,
                _ => 400,
            };
            Done::Instead(Some(service.error_of(status, name)))
        }
        Deed::FailEntries(_) | Deed::Kill(false) | Deed::Reset(false) => Done::GoOn,
    }
}

/// How an error of this status is usually called.
fn error_name(status: u16) -> &'static str {
    match status {
        403 => "AccessDenied",
        404 => "NoSuchKey",
        409 => "ConditionalRequestConflict",
        410 => "GoneException",
        412 => "PreconditionFailed",
        429 => "LimitExceededException",
        503 => "ServiceUnavailable",
        _ => "InternalError",
    }
}

/// The service a signature names; without one it can only be S3.
fn service_of(signature: Option<&Signature>, signed: &Signed, address: Option<Address>) -> Result<Service, Reply> {
    let name = signature.map_or("s3", |signature| signature.service.as_str());
    match (name, address) {
        ("execute-api", Some(address)) => Ok(Service::Connections(address)),
        (_, Some(_)) => Err(json_error(403, "MissingAuthenticationTokenException", "Missing Authentication Token")),
        ("s3", None) => match Operation::of(signed) {
            Some(operation) => Ok(Service::S3(operation)),
            None if signature.is_none() => Err(xml_error(403, "AccessDenied", "Access Denied", &[])),
            None => Err(xml_error(501, "NotImplemented", "this emulator doesn't know that request", &[])),
        },
        ("dynamodb", None) => Ok(Service::DynamoDb),
        ("events", None) => Ok(Service::Events),
        ("lambda", None) => Ok(Service::Lambda),
        (other, None) => Err(json_error(501, "UnknownOperationException", &format!("this emulator has no {other}"))),
    }
}

impl Service {
    fn calls(&self, emulator: &Emulator, signed: &Signed) -> Result<Vec<Call>, Reply> {
        match self {
            Self::S3(operation) => {
                let calls = operation.calls(emulator, signed);
                if calls.is_empty() {
                    return Err(xml_error(400, "MalformedXML", "The XML you provided was not well-formed.", &[]));
                }
                Ok(calls)
            }
            Self::DynamoDb => dynamodb::calls(emulator, signed),
            Self::Events => events::calls(emulator, signed),
            Self::Lambda => invoke::calls(emulator, signed),
            Self::Connections(address) => {
                let principal = signed.principal.clone();
                let call = socket::call(emulator, principal, signed.method(), address, signed.plain);
                call.map(|call| vec![call]).ok_or_else(|| json_error(403, "ForbiddenException", "Forbidden"))
            }
        }
    }

    async fn perform(&self, emulator: &Arc<Emulator>, signed: &Signed, refuse_entries: bool) -> Reply {
        match self {
            Self::S3(operation) => s3::perform(emulator, signed, operation).await,
            Self::DynamoDb => dynamodb::perform(emulator, signed).await,
            Self::Events => events::put(emulator, signed, refuse_entries),
            Self::Lambda => invoke::perform(emulator, signed).await,
            Self::Connections(address) => socket::manage(emulator, signed.method(), address, &signed.body).await,
        }
    }

    fn denied(&self, refused: &Refused) -> Reply {
        let message = refused.message();
        match self {
            Self::S3(_) => xml_error(403, "AccessDenied", &message, &[]),
            Self::DynamoDb | Self::Events => json_error(400, "AccessDeniedException", &message),
            Self::Lambda => json_error(403, "AccessDeniedException", &message),
            Self::Connections(_) => json_error(403, "ForbiddenException", &message),
        }
    }

    fn error_of(&self, status: u16, name: &str) -> Reply {
        match self {
            Self::S3(_) => xml_error(status, name, "wrong on purpose", &[]),
            _ => json_error(status, name, "wrong on purpose"),
        }
    }
}

/// Refuses a request whose sender is not known for sure, in the words of the service it seems to be for.
fn refuse(head: &Parts, failure: &Failure) -> Reply {
    let is_json = head.headers.contains_key("x-amz-target") || Address::of(head.uri.path()).is_some();
    let is_json = is_json || head.uri.path().starts_with("/2015-03-31/");
    if is_json { refuse_json(failure) } else { refuse_s3(failure) }
}

fn refuse_json(failure: &Failure) -> Reply {
    let mismatch = "The request signature we calculated does not match the signature you provided.";
    let (code, message) = match failure {
        Failure::Denied(Denied::Key(_) | Denied::Token) => {
            ("UnrecognizedClientException", "The security token included in the request is invalid.".to_owned())
        }
        Failure::Denied(Denied::Malformed(what)) => ("IncompleteSignatureException", format!("{what} can't be read")),
        Failure::Denied(Denied::Skewed { signed, now }) => {
            let (signed, now) = (timestamp(*signed), timestamp(*now));
            ("InvalidSignatureException", format!("Signature not current: {signed} is too far from {now}."))
        }
        Failure::Region(region) => ("InvalidSignatureException", format!("Credential is of another region: {region}")),
        _ => ("InvalidSignatureException", mismatch.to_owned()),
    };
    json_error(403, code, &message)
}

fn refuse_s3(failure: &Failure) -> Reply {
    match failure {
        Failure::Broken | Failure::Denied(Denied::Expired) => {
            xml_error(403, "AccessDenied", "Request has expired", &[])
        }
        Failure::Denied(Denied::Malformed(what)) => {
            let message = format!("The authorization is malformed: {what}");
            xml_error(400, "AuthorizationHeaderMalformed", &message, &[])
        }
        Failure::Denied(Denied::Key(id)) => {
            let message = "The AWS Access Key Id you provided does not exist in our records.";
            xml_error(403, "InvalidAccessKeyId", message, &[("AWSAccessKeyId", id)])
        }
        Failure::Denied(Denied::Token) => {
            xml_error(400, "InvalidToken", "The provided token is malformed or otherwise invalid.", &[])
        }
        Failure::Denied(Denied::Signature) => {
            let message = "The request signature we calculated does not match the signature you provided. Check your \
                           key and signing method.";
            xml_error(403, "SignatureDoesNotMatch", message, &[])
        }
        Failure::Denied(Denied::Skewed { signed, now }) => {
            let message = "The difference between the request time and the current time is too large.";
            let (signed, now): (String, String) = (timestamp(*signed), timestamp(*now));
            let more: [(&str, &str); 3] =
                [("RequestTime", &signed), ("ServerTime", &now), ("MaxAllowedSkewMilliseconds", "900000")];
            xml_error(403, "RequestTimeTooSkewed", message, &more)
        }
        Failure::Denied(Denied::Unsigned(header)) => {
            let message = "There were headers present in the request which were not signed";
            xml_error(403, "AccessDenied", message, &[("HeadersNotSigned", header)])
        }
        Failure::Region(region) => {
            let message = format!("The authorization header is malformed; the region '{region}' is wrong");
            xml_error(400, "AuthorizationHeaderMalformed", &message, &[])
        }
        Failure::Digest => {
            let message = "The provided 'x-amz-content-sha256' header does not match what was computed.";
            xml_error(400, "XAmzContentSHA256Mismatch", message, &[])
        }
        Failure::Chunks(why) => xml_error(400, "IncompleteBody", why, &[]),
    }
}

//! Takes a request to the service that it is for: who sent it, whether they may, the faults that the scenario asks for,
//! and the answer.

use std::sync::Arc;

use hyper::Request;
use hyper::body::Incoming;

use super::authenticate::{self, Authenticated, AuthenticationFailure};
use super::refusals::refuse;
use crate::serve::account::{AccessDenied, EmulatedAccount};
use crate::serve::call::ActionCall;
use crate::serve::events::EventBus;
use crate::serve::faults::{FaultEffect, FaultPlan, Phase};
use crate::serve::functions::Functions;
use crate::serve::http::signature::Signature;
use crate::serve::http::{AuthenticatedRequest, AwsReply, json_error, xml_error};
use crate::serve::keys::KeyStore;
use crate::serve::s3::{S3, S3Operation};
use crate::serve::socket::{self, Gateway, StageAddress};
use crate::serve::{dynamodb, events, lambda_api};

/// The services that requests are for, and what decides about a request.
pub struct Router {
    /// The account that all services work on.
    pub account: Arc<EmulatedAccount>,
    /// The keys that requests are signed with.
    pub keys: Arc<KeyStore>,
    /// The faults that a scenario asks for.
    pub faults: Arc<FaultPlan>,
    /// The functions, which are Lambda's part.
    pub functions: Arc<Functions>,
    /// The event buses, which are EventBridge's part.
    pub bus: Arc<EventBus>,
    /// The service for objects in buckets.
    pub s3: S3,
    /// The WebSocket APIs, which are API Gateway's part.
    pub gateway: Arc<Gateway>,
}

/// The service that a request is for.
enum RequestedService {
    S3(S3Operation),
    DynamoDb,
    Events,
    Lambda,
    Connections(StageAddress),
}

/// How a call continues after a fault.
enum Interception {
    /// The call continues as usual.
    Continue,
    /// This is the answer; `None` breaks the connection.
    Answer(Option<AwsReply>),
}

impl Router {
    /// Answers a request; `None` breaks the connection. `address`: the stage that the path names, if it names one.
    /// `plain`: the request counts as sent without TLS.
    pub async fn answer(
        &self,
        request: Request<Incoming>,
        address: Option<StageAddress>,
        plain: bool,
    ) -> Option<AwsReply> {
        let (head, body) = request.into_parts();
        let read = authenticate::read(&self.keys, &self.account.platform.region, &head, body).await;
        let Authenticated { signature, key, body } = match read {
            Ok(read) => read,
            Err(AuthenticationFailure::Broken) => return None,
            Err(failure) => return Some(refuse(&head, &failure)),
        };
        let signed = authenticate::signed(head, body, key.as_deref(), plain);
        let service = match service_of(signature.as_ref(), &signed, address) {
            Ok(service) => service,
            Err(reply) => {
                let (method, uri) = (signed.method(), &signed.head.uri);
                self.account.problems.add(format!("a request this emulator doesn't know: {method} {uri}"));
                return Some(reply);
            }
        };
        let calls = match self.calls(&service, &signed) {
            Ok(calls) => calls,
            Err(reply) => return Some(reply),
        };
        if let Err(refused) = self.account.authorize(&calls) {
            return Some(service.denied(&refused));
        }
        let mut refuse_entries = false;
        match self.faults.take(&calls, Phase::Before) {
            Some(FaultEffect::FailEntries(true)) => refuse_entries = true,
            Some(effect) => {
                if let Interception::Answer(reply) = self.inject(&service, &signed, &effect).await {
                    return reply;
                }
            }
            None => {}
        }
        let reply = self.perform(&service, &signed, refuse_entries).await;
        if let Some(effect) = self.faults.take(&calls, Phase::After)
            && let Interception::Answer(reply) = self.inject(&service, &signed, &effect).await
        {
            return reply;
        }
        if reply.status().is_server_error() {
            let (method, uri, status) = (signed.method(), &signed.head.uri, reply.status());
            self.account.problems.add(format!("{method} {uri} was answered with {status}"));
        }
        Some(reply)
    }

    /// The calls that the sender of a request has to be allowed.
    fn calls(&self, service: &RequestedService, signed: &AuthenticatedRequest) -> Result<Vec<ActionCall>, AwsReply> {
        let account = &self.account;
        match service {
            RequestedService::S3(operation) => {
                let calls = self.s3.calls(signed, operation);
                if calls.is_empty() {
                    return Err(xml_error(400, "MalformedXML", "The XML you provided was not well-formed.", &[]));
                }
                Ok(calls)
            }
            RequestedService::DynamoDb => dynamodb::calls(account, signed),
            RequestedService::Events => events::calls(account, signed),
            RequestedService::Lambda => lambda_api::calls(account, signed),
            RequestedService::Connections(address) => {
                let call = socket::call(account, signed, address);
                call.map(|call| vec![call]).ok_or_else(|| json_error(403, "ForbiddenException", "Forbidden"))
            }
        }
    }

    async fn perform(
        &self,
        service: &RequestedService,
        signed: &AuthenticatedRequest,
        refuse_entries: bool,
    ) -> AwsReply {
        match service {
            RequestedService::S3(operation) => self.s3.perform(signed, operation).await,
            RequestedService::DynamoDb => dynamodb::perform(&self.account, signed).await,
            RequestedService::Events => events::put(&self.bus, signed, refuse_entries),
            RequestedService::Lambda => lambda_api::perform(&self.account, &self.functions, signed).await,
            RequestedService::Connections(address) => socket::manage(&self.gateway, signed, address),
        }
    }

    /// Makes a fault happen to a request.
    async fn inject(
        &self,
        service: &RequestedService,
        signed: &AuthenticatedRequest,
        effect: &FaultEffect,
    ) -> Interception {
        tracing::info!(?effect, method = %signed.method(), uri = %signed.head.uri, "a fault on request");
        match effect {
            FaultEffect::DelayMs(_) => {
                tokio::time::sleep(effect.delay().unwrap_or_default()).await;
                Interception::Continue
            }
            FaultEffect::Kill(true) => {
                if let Some(sandbox) = signed.sandbox {
                    self.functions.live().kill(sandbox);
                }
                Interception::Answer(None)
            }
            FaultEffect::Reset(true) => Interception::Answer(None),
            FaultEffect::Status(status) => Interception::Answer(Some(service.error(*status, error_name(*status)))),
            FaultEffect::Error(name) => Interception::Answer(Some(service.error(error_status(name), name))),
            FaultEffect::FailEntries(_) | FaultEffect::Kill(false) | FaultEffect::Reset(false) => {
                Interception::Continue
            }
        }
    }
}

/// The usual name of an error with this status.
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

/// The status of an error with this name.
fn error_status(name: &str) -> u16 {
    match name {
        "SlowDown" | "ServiceUnavailable" => 503,
        "InternalError" | "InternalServerError" | "InternalFailure" | "ServiceException" => 500,
        "TooManyRequestsException" | "LimitExceededException" => 429,
        "GoneException" => 410,
        _ => 400,
    }
}

/// The service that the signature names. A request without a signature can only be for S3.
fn service_of(
    signature: Option<&Signature>,
    signed: &AuthenticatedRequest,
    address: Option<StageAddress>,
) -> Result<RequestedService, AwsReply> {
    let name = signature.map_or("s3", |signature| signature.service.as_str());
    match (name, address) {
        ("execute-api", Some(address)) => Ok(RequestedService::Connections(address)),
        (_, Some(_)) => Err(json_error(403, "MissingAuthenticationTokenException", "Missing Authentication Token")),
        ("s3", None) => match S3Operation::of(signed) {
            Some(operation) => Ok(RequestedService::S3(operation)),
            None if signature.is_none() => Err(xml_error(403, "AccessDenied", "Access Denied", &[])),
            None => Err(xml_error(501, "NotImplemented", "this emulator doesn't know that request", &[])),
        },
        ("dynamodb", None) => Ok(RequestedService::DynamoDb),
        ("events", None) => Ok(RequestedService::Events),
        ("lambda", None) => Ok(RequestedService::Lambda),
        (other, None) => Err(json_error(501, "UnknownOperationException", &format!("this emulator has no {other}"))),
    }
}

impl RequestedService {
    fn denied(&self, refused: &AccessDenied) -> AwsReply {
        let message = refused.message();
        match self {
            Self::S3(_) => xml_error(403, "AccessDenied", &message, &[]),
            Self::DynamoDb | Self::Events => json_error(400, "AccessDeniedException", &message),
            Self::Lambda => json_error(403, "AccessDeniedException", &message),
            Self::Connections(_) => json_error(403, "ForbiddenException", &message),
        }
    }

    fn error(&self, status: u16, name: &str) -> AwsReply {
        match self {
            Self::S3(_) => xml_error(status, name, "wrong on purpose", &[]),
            _ => json_error(status, name, "wrong on purpose"),
        }
    }
}

//! `$connect`: who may connect, and the upgrade to a WebSocket.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::{Method, Request, StatusCode};
use tracing::debug;

use super::address::StageAddress;
use super::event::{self, Peer};
use super::gateway::Gateway;
use super::reply::{connection_reply, plain_reply};
use super::session::{SessionStage, WebSocketSession};
use super::{connection, integration, signer};
use crate::serve::account::EmulatedAccount;
use crate::serve::call::ActionCall;
use crate::serve::faults::{FaultEffect, FaultPlan, Phase};
use crate::serve::http::AwsReply;
use crate::serve::http::signature::parse_query;
use crate::serve::keys::SigningKey;

/// How a request reached this emulator.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    /// The address of the client.
    pub client: SocketAddr,
    /// Whether the request counts as sent without TLS.
    pub plain: bool,
}

/// Answers a request to connect to a stage: with the upgrade, or with the reason for a refusal.
pub async fn connect(
    gateway: &Arc<Gateway>,
    request: Request<Incoming>,
    address: &StageAddress,
    arrival: Arrival,
) -> AwsReply {
    match try_connect(gateway, request, address, arrival).await {
        Ok(answer) | Err(answer) => answer,
    }
}

async fn try_connect(
    gateway: &Arc<Gateway>,
    request: Request<Incoming>,
    address: &StageAddress,
    arrival: Arrival,
) -> Result<AwsReply, AwsReply> {
    let account = &gateway.account;
    let applied = account.applied();
    let api = applied.apis.get(&address.api);
    let found = api.and_then(|api| Some((api, *api.stages.get(&address.stage)?)));
    let Some((api, stage)) = found else { return Err(plain_reply(StatusCode::FORBIDDEN, "Forbidden")) };
    if request.method() != Method::GET || !hyper_tungstenite::is_upgrade_request(&request) {
        return Err(plain_reply(StatusCode::UPGRADE_REQUIRED, "Upgrade Required"));
    }
    let (head, body) = request.into_parts();
    let peer = peer_of(&head, address, arrival.client);
    let request_id = event::request_id();
    let refuse = |status, message: &str| connection_reply(status, message, &peer.connection, &request_id);
    let stage_arn = format!("{}/{}", api.arn, address.stage);
    let arn = format!("{stage_arn}/$connect");
    let route = api.routes.get("$connect");

    let mut key = None;
    if route.is_some_and(|route| route.iam) {
        let signed = signer::authenticate(&gateway.keys, &account.platform.region, &head);
        let signed = signed.map_err(|why| refuse(StatusCode::FORBIDDEN, &why))?;
        let call = call_of(account, &signed, &arn, arrival.plain);
        injected(&gateway.faults, &call).await.map_or(Ok(()), |status| Err(refuse(status, "Internal server error")))?;
        account.authorize(&[call]).map_err(|why| refuse(StatusCode::FORBIDDEN, &why.message()))?;
        key = Some(signed);
    }
    if !gateway.connections.admits(&stage_arn, stage) {
        return Err(refuse(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests"));
    }
    if let Some(route) = route {
        let query = parse_query(head.uri.query().unwrap_or_default());
        let event = event::connect(&peer, &head.headers, &query, key.as_deref());
        let status = integration::invoke(account, &gateway.functions, route, &arn, &event).await;
        let status = status.map_err(|failure| refuse(failure.status(), failure.message()))?;
        if !status.is_success() {
            let reason = status.canonical_reason().unwrap_or("Forbidden");
            return Err(refuse(status, reason));
        }
    }

    let mut request = Request::from_parts(head, body);
    let (response, upgrade) = hyper_tungstenite::upgrade(&mut request, Some(connection::limits()))
        .map_err(|error| refuse(StatusCode::BAD_REQUEST, &error.to_string()))?;
    // Open from now on: messages that are posted during the upgrade wait for its end.
    let session =
        WebSocketSession::open(gateway.clone(), SessionStage { api: api.clone(), arn: stage_arn, limits: stage }, peer);
    tokio::spawn(async move {
        match upgrade.await {
            Ok(socket) => session.run(socket).await,
            Err(error) => {
                debug!(%error, "a client left before its connection was open");
                session.end(connection::ConnectionEnd::abnormal()).await;
            }
        }
    });
    Ok(response)
}

fn peer_of(head: &Parts, address: &StageAddress, client: SocketAddr) -> Peer {
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    Peer {
        connection: event::connection_id(),
        api: address.api.clone(),
        stage: address.stage.clone(),
        domain: header("host").unwrap_or_default(),
        source_ip: client.ip(),
        user_agent: header("user-agent"),
        connected_at: SystemTime::now(),
    }
}

fn call_of(account: &EmulatedAccount, key: &SigningKey, arn: &str, plain: bool) -> ActionCall {
    let context = account.request_context(plain);
    ActionCall {
        principal: key.principal.clone(),
        action: "execute-api:Invoke".to_owned(),
        resource: arn.to_owned(),
        context,
    }
}

/// The status of a fault that the scenario asks for, as far as it concerns a handshake.
async fn injected(faults: &FaultPlan, call: &ActionCall) -> Option<StatusCode> {
    let effect = faults.take(std::slice::from_ref(call), Phase::Before)?;
    if let Some(delay) = effect.delay() {
        tokio::time::sleep(delay).await;
        return None;
    }
    match effect {
        FaultEffect::Status(status) => StatusCode::from_u16(status).ok(),
        _ => Some(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

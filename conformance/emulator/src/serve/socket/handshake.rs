//! `$connect`: who may, and the upgrade.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::{Method, Request, StatusCode};
use tracing::debug;

use super::event::{self, Peer};
use super::session::Session;
use super::{Address, Answer, answer, connection, integration, signer};
use crate::serve::call::{Call, Principal};
use crate::serve::emulator::Emulator;
use crate::serve::faults::{Deed, Phase};
use crate::serve::front::signature::parse_query;
use crate::serve::keys::AccessKey;

/// Answers a request for a stage: with the upgrade, or why not. `plain`: it came without TLS.
pub async fn connect(
    emulator: &Arc<Emulator>,
    request: Request<Incoming>,
    address: &Address,
    client: SocketAddr,
    plain: bool,
) -> Answer {
    match try_connect(emulator, request, address, client, plain).await {
        Ok(answer) | Err(answer) => answer,
    }
}

async fn try_connect(
    emulator: &Arc<Emulator>,
    request: Request<Incoming>,
    address: &Address,
    client: SocketAddr,
    plain: bool,
) -> Result<Answer, Answer> {
    let wiring = emulator.wiring();
    let api = wiring.apis.get(&address.api);
    let found = api.and_then(|api| Some((api, *api.stages.get(&address.stage)?)));
    let Some((api, stage)) = found else { return Err(answer(StatusCode::FORBIDDEN, "Forbidden", None)) };
    if request.method() != Method::GET || !hyper_tungstenite::is_upgrade_request(&request) {
        return Err(answer(StatusCode::UPGRADE_REQUIRED, "Upgrade Required", None));
    }
    let (head, body) = request.into_parts();
    let peer = peer_of(&head, address, client);
    let request_id = event::request_id();
    let refuse = |status, message: &str| answer(status, message, Some((&peer.connection, &request_id)));
    let stage_arn = format!("{}/{}", api.arn, address.stage);
    let arn = format!("{stage_arn}/$connect");
    let route = api.routes.get("$connect");

    let mut key = None;
    if route.is_some_and(|route| route.iam) {
        let signed = signer::authenticate(emulator, &head).map_err(|why| refuse(StatusCode::FORBIDDEN, &why))?;
        let call = call_of(emulator, &signed, &arn, plain);
        injected(emulator, &call).await.map_or(Ok(()), |status| Err(refuse(status, "Internal server error")))?;
        emulator.authorize(&[call]).map_err(|why| refuse(StatusCode::FORBIDDEN, &why.message()))?;
        key = Some(signed);
    }
    if !emulator.gateway.admits(&stage_arn, stage) {
        return Err(refuse(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests"));
    }
    if let Some(route) = route {
        let query = parse_query(head.uri.query().unwrap_or_default());
        let caller = key.as_ref().map(|key| (&key.principal, key.id.as_str()));
        let event = event::connect(&peer, &head.headers, &query, caller);
        let status = integration::invoke(emulator, route, &arn, &event).await;
        let status = status.map_err(|failure| refuse(failure.status(), failure.message()))?;
        if !status.is_success() {
            let reason = status.canonical_reason().unwrap_or("Forbidden");
            return Err(refuse(status, reason));
        }
    }

    let mut request = Request::from_parts(head, body);
    let (response, upgrade) = hyper_tungstenite::upgrade(&mut request, Some(connection::limits()))
        .map_err(|error| refuse(StatusCode::BAD_REQUEST, &error.to_string()))?;
    // Open from now on: what is posted before the upgrade is through waits for it.
    let session = Session::open(emulator.clone(), api.clone(), stage_arn, stage, peer);
    tokio::spawn(async move {
        match upgrade.await {
            Ok(socket) => session.run(socket).await,
            Err(error) => {
                debug!(%error, "a client was gone before it had come");
                session.end(connection::End::abnormal()).await;
            }
        }
    });
    Ok(response)
}

fn peer_of(head: &Parts, address: &Address, client: SocketAddr) -> Peer {
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

fn call_of(emulator: &Emulator, key: &AccessKey, arn: &str, plain: bool) -> Call {
    let principal: Principal = key.principal.clone();
    let context = emulator.request_context(plain);
    Call { principal, action: "execute-api:Invoke".to_owned(), resource: arn.to_owned(), context }
}

/// What goes wrong on request, as far as it concerns a handshake.
async fn injected(emulator: &Emulator, call: &Call) -> Option<StatusCode> {
    let deed = emulator.faults.take(std::slice::from_ref(call), Phase::Before)?;
    if let Some(delay) = deed.delay() {
        tokio::time::sleep(delay).await;
        return None;
    }
    match deed {
        Deed::Status(status) => StatusCode::from_u16(status).ok(),
        _ => Some(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

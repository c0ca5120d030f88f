//! The WebSocket at `/socket`: checks who may follow a build and upgrades the connection.

mod follower;
mod signature;

use std::sync::Arc;
use std::time::SystemTime;

use hyper::body::{Bytes, Incoming};
use hyper::{Method, Request, Response, StatusCode};
use hyper_tungstenite::tungstenite::protocol::WebSocketConfig;
use protocol::limits::{MAX_CLIENT_MESSAGE_BYTES, MAX_MESSAGE_BYTES};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, error};

use crate::builds::Builds;
use crate::keys::Keys;

/// Path of the WebSocket in the backend's URL.
pub(crate) const PATH: &str = "/socket";

/// The largest message in bytes that a client may send before it is disconnected. This leaves ample room above the
/// largest valid message.
const MAX_RECEIVED_BYTES: usize = 16 * MAX_CLIENT_MESSAGE_BYTES;

/// The most followers that are served at the same time.
const MAX_FOLLOWERS: usize = 1000;

/// The part of the backend that serves followers.
pub(crate) struct Socket {
    builds: Arc<Builds>,
    keys: Arc<Keys>,
    followers: TaskTracker,
    room: Arc<Semaphore>,
    closing: CancellationToken,
}

type HttpReply = Response<s3s::Body>;

impl Socket {
    /// Creates a socket that serves followers of these builds.
    pub fn new(builds: Arc<Builds>, keys: Arc<Keys>) -> Self {
        Self {
            builds,
            keys,
            followers: TaskTracker::new(),
            room: Arc::new(Semaphore::new(MAX_FOLLOWERS)),
            closing: CancellationToken::new(),
        }
    }

    /// Answers a request for the socket: upgrades the connection, or refuses with a reason.
    pub async fn serve(&self, mut request: Request<Incoming>) -> HttpReply {
        if request.method() != Method::GET || !hyper_tungstenite::is_upgrade_request(&request) {
            return refusal(
                StatusCode::UPGRADE_REQUIRED,
                "this address is a WebSocket; follow builds with cargo-cloud",
            );
        }
        let host = request.headers().get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
        let query = request.uri().query().unwrap_or_default();
        let wanted = match signature::verify(PATH, query, host, SystemTime::now(), &self.keys) {
            Ok(wanted) => wanted,
            Err(denied) => {
                debug!(%denied, "refused a follower");
                return refusal(StatusCode::FORBIDDEN, &denied.to_string());
            }
        };
        match self.builds.is_anothers(&wanted.owner, &wanted.build).await {
            Ok(false) => {}
            Ok(true) => return refusal(StatusCode::FORBIDDEN, "the build is another owner's"),
            Err(error) => return failure(&error),
        }
        let build = match self.builds.open(&wanted.owner, &wanted.build).await {
            Ok(build) => build,
            Err(error) => return failure(&error),
        };
        let Ok(room) = self.room.clone().try_acquire_owned() else {
            return refusal(StatusCode::SERVICE_UNAVAILABLE, "too many followers at once; try again in a minute");
        };
        let config = WebSocketConfig::default()
            .max_message_size(Some(MAX_RECEIVED_BYTES))
            .max_frame_size(Some(MAX_RECEIVED_BYTES))
            .max_write_buffer_size(4 * MAX_MESSAGE_BYTES)
            .write_buffer_size(0);
        match hyper_tungstenite::upgrade(&mut request, Some(config)) {
            Ok((response, socket)) => {
                let closing = self.closing.clone();
                self.followers.spawn(async move {
                    match socket.await {
                        Ok(socket) => follower::follow(socket, build, closing).await,
                        Err(error) => debug!(%error, "a follower disconnected before its connection was open"),
                    }
                    drop(room);
                });
                response.map(s3s::Body::http_body)
            }
            Err(error) => refusal(StatusCode::BAD_REQUEST, &error.to_string()),
        }
    }

    /// Sends all followers the remaining events, closes their connections, and waits until that is done.
    pub async fn close(&self) {
        self.closing.cancel();
        self.followers.close();
        self.followers.wait().await;
    }
}

fn failure(error: &std::io::Error) -> HttpReply {
    error!(%error, "a build can't be read");
    refusal(StatusCode::INTERNAL_SERVER_ERROR, "the backend can't read this build; its log has the details")
}

/// A refusal with a JSON body in the same form as API Gateway's.
fn refusal(status: StatusCode, why: &str) -> HttpReply {
    let body = serde_json::json!({ "message": why }).to_string();
    let mut response = Response::new(s3s::Body::from(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", hyper::header::HeaderValue::from_static("application/json"));
    response
}

//! A connection after `$connect`: its messages go to their routes, and its end to `$disconnect`.

use std::sync::Arc;

use hyper_tungstenite::HyperWebsocketStream;
use serde_json::json;
use tokio::sync::mpsc;

use super::connection::{self, ConnectionCommand, ConnectionEnd, Lifetime};
use super::event::{self, Peer};
use super::gateway::Gateway;
use super::integration;
use super::routes::select;
use crate::serve::applied::websocket::{Api, Stage};

/// An open connection of a client.
pub struct WebSocketSession {
    context: Arc<SessionContext>,
    commands: mpsc::Receiver<ConnectionCommand>,
}

/// The stage that a connection belongs to.
pub struct SessionStage {
    /// The API with its routes.
    pub api: Api,
    /// The ARN of the stage.
    pub arn: String,
    /// The limits of the stage.
    pub limits: Stage,
}

struct SessionContext {
    gateway: Arc<Gateway>,
    stage: SessionStage,
    peer: Peer,
}

impl WebSocketSession {
    /// Opens a connection: from now on messages can be posted to it.
    pub fn open(gateway: Arc<Gateway>, stage: SessionStage, peer: Peer) -> Self {
        let commands = gateway.connections.open(&peer.connection, &stage.arn);
        Self { context: Arc::new(SessionContext { gateway, stage, peer }), commands }
    }

    /// Serves the connection until it ends.
    pub async fn run(self, socket: HyperWebsocketStream) {
        let Self { context, commands } = self;
        let on_message = |text: Option<String>| {
            // API Gateway doesn't wait for one message's function before it takes the next message.
            let context = context.clone();
            tokio::spawn(async move { context.receive(text).await });
        };
        let end = tokio::select! {
            end = connection::serve(socket, commands, Lifetime::default(), on_message) => end,
            () = context.gateway.power.off() => {
                context.gateway.connections.close(&context.peer.connection);
                return;
            }
        };
        match end {
            Some(end) => context.end(end).await,
            None => context.gateway.connections.close(&context.peer.connection),
        }
    }

    /// Ends a connection whose upgrade failed.
    pub async fn end(self, end: ConnectionEnd) {
        self.context.end(end).await;
    }
}

impl SessionContext {
    async fn receive(&self, text: Option<String>) {
        let Some((key, route)) = select(&self.stage.api.routes, text.as_deref()) else { return self.send("Forbidden") };
        if !self.gateway.connections.admits(&self.stage.arn, self.stage.limits) {
            return self.send("Too Many Requests");
        }
        let event = event::message(&self.peer, key, text.as_deref().unwrap_or_default());
        let source = format!("{}/{key}", self.stage.arn);
        // The answer of the function is dropped: no route has a route response.
        if let Err(failure) =
            integration::invoke(&self.gateway.account, &self.gateway.functions, route, &source, &event).await
        {
            self.send(failure.message());
        }
    }

    /// Sends the client a message of API Gateway itself.
    fn send(&self, message: &str) {
        let connection = &self.peer.connection;
        let text = json!({ "message": message, "connectionId": connection, "requestId": event::request_id() });
        // The client may be gone already.
        let _ = self.gateway.connections.post(&self.stage.arn, connection, text.to_string());
    }

    async fn end(&self, end: ConnectionEnd) {
        self.gateway.connections.close(&self.peer.connection);
        if let Some(route) = self.stage.api.routes.get("$disconnect") {
            let event = event::disconnect(&self.peer, end.code, &end.reason);
            let source = format!("{}/$disconnect", self.stage.arn);
            // AWS invokes `$disconnect` on a best-effort basis.
            let _ = integration::invoke(&self.gateway.account, &self.gateway.functions, route, &source, &event).await;
        }
    }
}

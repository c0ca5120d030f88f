//! A connection's life after `$connect`: its messages take their routes, its end is told.

use std::sync::Arc;

use hyper_tungstenite::HyperWebsocketStream;
use serde_json::json;
use tokio::sync::mpsc;

use super::api::{Api, Stage};
use super::connection::{self, End, Lifetime, Order};
use super::event::{self, Peer};
use super::integration;
use super::routes::select;
use crate::serve::emulator::Emulator;

/// An open connection.
pub struct Session {
    context: Arc<Context>,
    orders: mpsc::Receiver<Order>,
}

struct Context {
    emulator: Arc<Emulator>,
    api: Api,
    stage_arn: String,
    stage: Stage,
    peer: Peer,
}

impl Session {
    /// Opens it: from now on messages can be posted to it.
    pub fn open(emulator: Arc<Emulator>, api: Api, stage_arn: String, stage: Stage, peer: Peer) -> Self {
        let orders = emulator.gateway.open(&peer.connection, &stage_arn);
        Self { context: Arc::new(Context { emulator, api, stage_arn, stage, peer }), orders }
    }

    /// Serves it to its end.
    pub async fn run(self, socket: HyperWebsocketStream) {
        let Self { context, orders } = self;
        let hear = |text: Option<String>| {
            // API Gateway doesn't wait for one message's function before it takes the next message.
            let context = context.clone();
            tokio::spawn(async move { context.hear(text).await });
        };
        let end = tokio::select! {
            end = connection::serve(socket, orders, Lifetime::default(), hear) => end,
            () = context.emulator.power.off() => {
                context.emulator.gateway.close(&context.peer.connection);
                return;
            }
        };
        match end {
            Some(end) => context.end(end).await,
            None => context.emulator.gateway.close(&context.peer.connection),
        }
    }

    /// Ends it before it has begun.
    pub async fn end(self, end: End) {
        self.context.end(end).await;
    }
}

impl Context {
    async fn hear(&self, text: Option<String>) {
        let Some((key, route)) = select(&self.api.routes, text.as_deref()) else { return self.say("Forbidden") };
        if !self.emulator.gateway.admits(&self.stage_arn, self.stage) {
            return self.say("Too Many Requests");
        }
        let event = event::message(&self.peer, key, text.as_deref().unwrap_or_default());
        let source = format!("{}/{key}", self.stage_arn);
        // What the function answers goes nowhere: no route has a route response.
        if let Err(failure) = integration::invoke(&self.emulator, route, &source, &event).await {
            self.say(failure.message());
        }
    }

    /// Tells the client what API Gateway itself has to say.
    fn say(&self, message: &str) {
        let connection = &self.peer.connection;
        let text = json!({ "message": message, "connectionId": connection, "requestId": event::request_id() });
        // Nobody is there to be told when it is gone.
        let _ = self.emulator.gateway.post(&self.stage_arn, connection, text.to_string());
    }

    async fn end(&self, end: End) {
        self.emulator.gateway.close(&self.peer.connection);
        if let Some(route) = self.api.routes.get("$disconnect") {
            let event = event::disconnect(&self.peer, end.code, &end.reason);
            let source = format!("{}/$disconnect", self.stage_arn);
            // Best effort, as AWS promises no more.
            let _ = integration::invoke(&self.emulator, route, &source, &event).await;
        }
    }
}

//! Serves one follower. Each reads the log from disk at its own pace, so a slow follower uses no more memory and delays
//! no other.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::{SinkExt, StreamExt};
use hyper_tungstenite::HyperWebsocketStream;
use hyper_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use hyper_tungstenite::tungstenite::protocol::{CloseFrame, Message};
use hyper_tungstenite::tungstenite::{Error, error::CapacityError};
use protocol::limits::{ALIVE_INTERVAL, MAX_MESSAGE_BYTES};
use protocol::{ClientMessage, Event, EventKind, Frame, Replay, unix_millis};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::builds::{BuildHandle, Pulse};
use crate::objects::blocking;

/// How many bytes of the log are read at a time.
const PORTION_BYTES: u64 = 2 * MAX_MESSAGE_BYTES as u64;

/// How long sending one message may take before a follower is disconnected. It can reconnect and resume.
const SEND_PATIENCE: Duration = Duration::from_secs(60);

/// How often a follower is pinged.
const PING_INTERVAL: Duration = Duration::from_secs(30);

/// A follower that has sent nothing for this long counts as gone.
const RECEIVE_PATIENCE: Duration = Duration::from_secs(100);

/// Serves a follower until it disconnects or the backend stops.
pub(super) async fn follow(socket: HyperWebsocketStream, build: Arc<BuildHandle>, closing: CancellationToken) {
    let pulse = build.follow();
    let mut follower = SocketFollower { socket, build, pulse, position: None, spoke: Instant::now() };
    let why = follower.serve(&closing).await;
    debug!(build = %follower.build.id, ?why, "a follower left");
    let (code, reason) = match why {
        Left::Gone => return,
        Left::Closing => (CloseCode::Away, "the backend is stopping"),
        Left::Slow => (CloseCode::Policy, "too slow: resume"),
        Left::TooLarge => (CloseCode::Size, "a client's message is small"),
        Left::Broken => (CloseCode::Error, "the build can't be read"),
    };
    let frame = CloseFrame { code, reason: reason.into() };
    let _ = timeout(Duration::from_secs(1), follower.socket.close(Some(frame))).await;
}

/// The reason why a follower's connection ends.
#[derive(Debug)]
enum Left {
    Gone,
    Closing,
    Slow,
    TooLarge,
    Broken,
}

/// What a follower has received since it resumed.
struct Position {
    log: crate::builds::LogReader,
    progress: Option<Arc<Event>>,
    told_result: bool,
}

struct SocketFollower {
    socket: HyperWebsocketStream,
    build: Arc<BuildHandle>,
    pulse: watch::Receiver<Pulse>,
    /// What was sent so far; none before the first resume.
    position: Option<Position>,
    /// Time of the last frame that was sent.
    spoke: Instant,
}

impl SocketFollower {
    async fn serve(&mut self, closing: &CancellationToken) -> Left {
        match self.try_serve(closing).await {
            Ok(()) => Left::Closing,
            Err(left) => left,
        }
    }

    async fn try_serve(&mut self, closing: &CancellationToken) -> Result<(), Left> {
        let mut heard = Instant::now();
        let mut ping = tokio::time::interval(PING_INTERVAL);
        loop {
            tokio::select! {
                message = self.socket.next() => {
                    heard = Instant::now();
                    self.hear(message).await?;
                }
                changed = self.pulse.changed(), if self.position.is_some() => {
                    changed.map_err(|_| Left::Broken)?;
                    self.catch_up().await?;
                }
                () = tokio::time::sleep_until(self.spoke + ALIVE_INTERVAL), if self.wants_alive() => {
                    let last = self.build.last();
                    self.send_events(vec![self.event(EventKind::Alive { last })]).await?;
                }
                _ = ping.tick() => {
                    if heard.elapsed() > RECEIVE_PATIENCE {
                        return Err(Left::Gone);
                    }
                    self.send(Message::Ping(Vec::new().into())).await?;
                }
                () = closing.cancelled() => {
                    return if self.position.is_some() { self.catch_up().await } else { Ok(()) };
                }
            }
        }
    }

    fn wants_alive(&self) -> bool {
        self.position.as_ref().is_some_and(|position| !position.told_result)
    }

    async fn hear(&mut self, message: Option<Result<Message, Error>>) -> Result<(), Left> {
        match message {
            Some(Ok(Message::Text(text))) => match ClientMessage::decode(&text) {
                Some(ClientMessage::Resume { after }) => self.resume(after).await,
                None => Ok(()),
            },
            Some(Ok(Message::Close(_))) | None => Err(Left::Gone),
            // The library answers pings; other messages have no meaning here.
            Some(Ok(_)) => Ok(()),
            Some(Err(Error::Capacity(CapacityError::MessageTooLong { .. }))) => Err(Left::TooLarge),
            Some(Err(_)) => Err(Left::Gone),
        }
    }

    /// Sends the stored events after number `after`, the result if there is one, and `caught_up`.
    async fn resume(&mut self, after: u64) -> Result<(), Left> {
        let now = self.pulse.borrow_and_update().clone();
        let mut log = self.build.log();
        let mut replay = Replay::new(self.build.id.clone(), after);
        loop {
            let events = read(&mut log, now.log.bytes).await?;
            if events.is_empty() {
                break;
            }
            for event in events {
                if let Some(frame) = replay.push(event) {
                    self.send_frame(&frame).await?;
                }
            }
        }
        let told_result = now.result.is_some();
        for frame in replay.finish(now.result.map(|result| (*result).clone()), unix_millis(SystemTime::now())) {
            self.send_frame(&frame).await?;
        }
        self.position = Some(Position { log, progress: None, told_result });
        // Sends the latest progress now instead of at the next change.
        self.catch_up().await
    }

    /// Sends everything that is new since the last call.
    async fn catch_up(&mut self) -> Result<(), Left> {
        let now = self.pulse.borrow_and_update().clone();
        let Some(mut position) = self.position.take() else { return Ok(()) };
        loop {
            let events = read(&mut position.log, now.log.bytes).await?;
            if events.is_empty() {
                break;
            }
            self.send_events(events).await?;
        }
        if let Some(progress) = now.progress
            && !position.progress.as_ref().is_some_and(|sent| Arc::ptr_eq(sent, &progress))
        {
            self.send_events(vec![(*progress).clone()]).await?;
            position.progress = Some(progress);
        }
        if let Some(result) = now.result
            && !position.told_result
        {
            self.send_events(vec![self.event(EventKind::Finished(Box::new((*result).clone())))]).await?;
            position.told_result = true;
        }
        self.position = Some(position);
        Ok(())
    }

    fn event(&self, kind: EventKind) -> Event {
        Event::new(self.build.id.clone(), None, unix_millis(SystemTime::now()), kind)
    }

    async fn send_events(&mut self, events: Vec<Event>) -> Result<(), Left> {
        for frame in Frame::pack(events) {
            self.send_frame(&frame).await?;
        }
        Ok(())
    }

    async fn send_frame(&mut self, frame: &Frame) -> Result<(), Left> {
        self.spoke = Instant::now();
        self.send(Message::Text(frame.encode().into())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Left> {
        match timeout(SEND_PATIENCE, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Left::Gone),
            Err(_) => Err(Left::Slow),
        }
    }
}

async fn read(log: &mut crate::builds::LogReader, end: u64) -> Result<Vec<Event>, Left> {
    let mut reader = log.clone();
    let read = blocking(move || {
        let events = reader.read(end, PORTION_BYTES)?;
        Ok((events, reader))
    });
    let (events, reader) = read.await.map_err(|error| {
        tracing::error!(%error, "an event log can't be read");
        Left::Broken
    })?;
    *log = reader;
    Ok(events)
}

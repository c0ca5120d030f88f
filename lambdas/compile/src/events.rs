//! Sends a build's events to the bus, in order. If the bus is slow, the build waits.

use std::time::{Duration, Instant, SystemTime};

use protocol::{BuildId, Event, EventKind, Frame, Owner, Status, unix_millis};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing::error;

use crate::bus::{Bus, EntryKind};

/// The number of frames that may wait for the bus. When the queue is full, cargo waits.
const BACKLOG: usize = 16;

/// How long the bus may refuse one frame. After that the build continues without followers; its log still has every
/// event.
const PATIENCE: Duration = Duration::from_secs(60);

/// The detail of a bus entry: a frame, with the owner of the build. The relay needs the owner to find the followers.
#[derive(Serialize)]
struct EventDetail<'a> {
    v: u32,
    owner: &'a Owner,
    events: &'a [Event],
}

/// Encodes a frame as the detail of a bus entry.
pub fn detail(owner: &Owner, frame: &Frame) -> String {
    serde_json::to_string(&EventDetail { v: frame.v, owner, events: &frame.events }).unwrap_or_default()
}

/// Makes an event with the current time.
pub fn event(build: &BuildId, seq: Option<u64>, kind: EventKind) -> Event {
    Event::new(build.clone(), seq, unix_millis(SystemTime::now()), kind)
}

/// How far a stream's events were delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryReport {
    /// The highest event number that the bus has accepted.
    pub last: u64,
    /// Why numbered events were lost, if some were.
    pub lost: Option<String>,
}

/// The stream of one attempt's events to the bus.
pub struct EventStream {
    build: BuildId,
    sender: mpsc::Sender<Frame>,
    task: JoinHandle<DeliveryReport>,
}

impl EventStream {
    /// Starts a stream whose first event number is `first_seq`. It sends nothing after `until`.
    pub fn start(bus: Bus, owner: Owner, build: BuildId, first_seq: u64, until: Instant) -> Self {
        let (sender, receiver) = mpsc::channel(BACKLOG);
        let task = tokio::spawn(deliver(bus, owner, receiver, first_seq, until));
        Self { build, sender, task }
    }

    /// Returns a sender of frames into the stream.
    pub fn sender(&self) -> mpsc::Sender<Frame> {
        self.sender.clone()
    }

    /// Sends the build's phase as an event, and returns the event.
    pub async fn status(&self, seq: u64, status: Status) -> Event {
        let event = event(&self.build, Some(seq), EventKind::Status(status));
        // Sending can't fail: the task receives until the last sender is dropped.
        let _ = self.sender.send(Frame::new(vec![event.clone()])).await;
        event
    }

    /// Waits until every frame was sent or given up, and all other senders are dropped.
    pub async fn close(self) -> DeliveryReport {
        drop(self.sender);
        self.task.await.unwrap_or_else(|error| DeliveryReport { last: 0, lost: Some(error.to_string()) })
    }
}

async fn deliver(
    bus: Bus,
    owner: Owner,
    mut frames: mpsc::Receiver<Frame>,
    first_seq: u64,
    until: Instant,
) -> DeliveryReport {
    let mut delivered = DeliveryReport { last: first_seq.saturating_sub(1), lost: None };
    let mut given_up: Option<String> = None;
    while let Some(frame) = frames.recv().await {
        let last = frame.events.iter().filter_map(Event::span).map(|(_, to)| to).max();
        if last.is_none() && !frames.is_empty() {
            // A newer frame is waiting, so this one, which holds only `progress` and `alive` events, is outdated.
            continue;
        }
        if given_up.is_none() {
            let patience = until.min(Instant::now() + PATIENCE);
            match bus.put(EntryKind::Events, &detail(&owner, &frame), patience).await {
                Ok(()) => delivered.last = last.unwrap_or(delivered.last),
                Err(why) => {
                    error!(%why, "events can no longer be delivered");
                    given_up = Some(why.to_string());
                }
            }
        }
        if last.is_some() && delivered.lost.is_none() {
            delivered.lost.clone_from(&given_up);
        }
    }
    delivered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_on_the_bus_names_its_owner_and_decodes_as_a_frame() {
        let build = BuildId::new(1, [0; 10]);
        let frame = Frame::new(vec![event(&build, Some(1), EventKind::Status(Status::Received))]);
        let detail = detail(&Owner::default(), &frame);
        let json: serde_json::Value = serde_json::from_str(&detail).unwrap();
        assert_eq!((json["owner"].as_str(), json["v"].as_u64()), (Some("me"), Some(1)));
        assert_eq!(Frame::decode(&detail).unwrap(), frame);
    }
}

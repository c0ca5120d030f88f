//! Sends a build's events to the bus, in order. When the bus is slow, the build waits.

use std::time::{Duration, Instant, SystemTime};

use protocol::{BuildId, Event, EventKind, Frame, Owner, Status, unix_millis};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing::error;

use crate::bus::{Bus, EntryKind};

/// Frames that wait for the bus; more make cargo wait.
const BACKLOG: usize = 16;

/// How long the bus may refuse one frame. After that the build continues without followers; its log has everything.
const PATIENCE: Duration = Duration::from_secs(60);

/// A frame on the bus: the relay needs to know whose it is.
#[derive(Serialize)]
struct EventDetail<'a> {
    v: u32,
    owner: &'a Owner,
    events: &'a [Event],
}

/// The detail of a frame's entry.
pub fn detail(owner: &Owner, frame: &Frame) -> String {
    serde_json::to_string(&EventDetail { v: frame.v, owner, events: &frame.events }).unwrap_or_default()
}

/// An event with the current time.
pub fn event(build: &BuildId, seq: Option<u64>, kind: EventKind) -> Event {
    Event::new(build.clone(), seq, unix_millis(SystemTime::now()), kind)
}

/// What became of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryReport {
    /// The highest number the bus has taken.
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
    /// Starts one whose first number is `first_seq`; nothing is sent any more after `until`.
    pub fn start(bus: Bus, owner: Owner, build: BuildId, first_seq: u64, until: Instant) -> Self {
        let (sender, receiver) = mpsc::channel(BACKLOG);
        let task = tokio::spawn(deliver(bus, owner, receiver, first_seq, until));
        Self { build, sender, task }
    }

    /// A sender of frames into the stream.
    pub fn sender(&self) -> mpsc::Sender<Frame> {
        self.sender.clone()
    }

    /// Says where the build is; gives the event.
    pub async fn status(&self, seq: u64, status: Status) -> Event {
        let event = event(&self.build, Some(seq), EventKind::Status(status));
        // The task takes everything until the last sender is gone.
        let _ = self.sender.send(Frame::new(vec![event.clone()])).await;
        event
    }

    /// Waits until everything is sent, or given up. Other senders must be gone.
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
            // Newer frames wait: old progress and signs of life are of no use.
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
    fn a_frame_on_the_bus_tells_whose_it_is_and_reads_as_a_frame() {
        let build = BuildId::new(1, [0; 10]);
        let frame = Frame::new(vec![event(&build, Some(1), EventKind::Status(Status::Received))]);
        let detail = detail(&Owner::default(), &frame);
        let json: serde_json::Value = serde_json::from_str(&detail).unwrap();
        assert_eq!((json["owner"].as_str(), json["v"].as_u64()), (Some("me"), Some(1)));
        assert_eq!(Frame::decode(&detail).unwrap(), frame);
    }
}

//! The messages on the WebSocket, in both directions. The event bus carries [`Frame`]s too.

use serde::{Deserialize, Serialize};

use crate::Event;
use crate::limits::{MAX_CLIENT_MESSAGE_BYTES, MAX_MESSAGE_BYTES, PROTOCOL_VERSION};

/// A message from client to backend. API Gateway routes it by the field `action`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum ClientMessage {
    /// Asks for all stored events after a number, then the result of an ended build, then `caught_up`.
    Resume {
        /// The last number that the client has, 0 for none.
        after: u64,
    },
}

impl ClientMessage {
    /// Encodes the message as JSON.
    pub fn encode(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a message of a client. `None` for anything but a message of this version.
    pub fn decode(text: &str) -> Option<Self> {
        if text.len() > MAX_CLIENT_MESSAGE_BYTES {
            return None;
        }
        serde_json::from_str(text).ok()
    }
}

/// A message from backend to client: one or more events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// Version of the protocol that the backend speaks.
    pub v: u32,
    /// Events in the order in which they happened.
    pub events: Vec<Event>,
}

impl Frame {
    /// Creates a frame with these events.
    pub fn new(events: Vec<Event>) -> Self {
        Self { v: PROTOCOL_VERSION, events }
    }

    /// Encodes the message as JSON.
    pub fn encode(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a frame from JSON.
    pub fn decode(text: &str) -> serde_json::Result<Self> {
        // From bytes, like the log: one JSON reader keeps the client small.
        serde_json::from_slice(text.as_bytes())
    }

    /// Groups events into frames within the limit of an encoded message, keeping their order. An event that exceeds the
    /// limit gets a frame of its own; the sender keeps events below [`crate::limits::MAX_EVENT_BYTES`].
    pub fn pack(events: impl IntoIterator<Item = Event>) -> Vec<Frame> {
        let envelope = Frame::new(Vec::new()).encode().len();
        let mut frames: Vec<Frame> = Vec::new();
        let mut room = 0;
        for event in events {
            let size = event.encoded_len().saturating_add(1);
            match frames.last_mut() {
                Some(frame) if size <= room => frame.events.push(event),
                _ => {
                    frames.push(Frame::new(vec![event]));
                    room = MAX_MESSAGE_BYTES - envelope;
                }
            }
            room = room.saturating_sub(size);
        }
        frames
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BuildId, EventKind, Stream};

    fn output(seq: u64, text: &str) -> Event {
        let kind = EventKind::Output { stream: Stream::Stderr, text: text.to_owned() };
        Event::new(BuildId::new(1, [0; 10]), Some(seq), 1, kind)
    }

    #[test]
    fn a_resume_has_the_action_that_api_gateway_routes_by() {
        let message = ClientMessage::Resume { after: 7 };
        assert_eq!(message.encode(), r#"{"action":"resume","after":7}"#);
        assert_eq!(ClientMessage::decode(&message.encode()), Some(message));
        for text in [
            "",
            "{}",
            "[]",
            r#"{"action":"resume","after":-1}"#,
            r#"{"action":"resume"}"#,
            "\u{0}",
            r#"{"action":"dance"}"#,
        ] {
            assert_eq!(ClientMessage::decode(text), None, "{text}");
        }
        assert_eq!(
            ClientMessage::decode(&format!(r#"{{"action":"resume","after":1,"x":"{}"}}"#, "y".repeat(2000))),
            None
        );
    }

    #[test]
    fn frames_keep_order_and_the_limit_of_the_encoded_message() {
        // Control characters become six bytes each in JSON.
        let events: Vec<Event> = (1..=200).map(|n| output(n, &"\u{1b}".repeat((n as usize * 37) % 900))).collect();
        let frames = Frame::pack(events.clone());
        assert!(frames.len() > 2 && frames.len() < 40, "{}", frames.len());
        assert!(frames.iter().all(|f| f.encode().len() <= MAX_MESSAGE_BYTES));
        assert_eq!(frames.into_iter().flat_map(|f| f.events).collect::<Vec<_>>(), events);
    }

    #[test]
    fn an_event_of_the_largest_size_fits_a_frame() {
        let text = "x".repeat(crate::limits::MAX_EVENT_BYTES - output(1, "").encoded_len());
        assert_eq!(output(1, &text).encoded_len(), crate::limits::MAX_EVENT_BYTES);
        let frames = Frame::pack([output(1, &text)]);
        assert!(frames[0].encode().len() <= MAX_MESSAGE_BYTES);
    }
}

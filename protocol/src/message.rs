//! What goes over the socket, in both directions. What goes over the bus is a [`Frame`] too.

use serde::{Deserialize, Serialize};

use crate::Event;
use crate::limits::{MAX_CLIENT_MESSAGE_BYTES, MAX_MESSAGE_BYTES, PROTOCOL_VERSION};

/// Client to backend. API Gateway routes by the field `action`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum ClientMessage {
    /// Send what was stored after this number, then `caught_up`; a finished build's result between the two.
    Resume {
        /// The last number the client has, 0 for none.
        after: u64,
    },
}

impl ClientMessage {
    /// As JSON.
    pub fn encode(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads what a client sent: `None` for anything else than a message of this version.
    pub fn decode(text: &str) -> Option<Self> {
        if text.len() > MAX_CLIENT_MESSAGE_BYTES {
            return None;
        }
        serde_json::from_str(text).ok()
    }
}

/// Backend to client: events in one message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// Version of the protocol.
    pub v: u32,
    /// In the order in which they were made.
    pub events: Vec<Event>,
}

impl Frame {
    /// A frame of these events.
    pub fn new(events: Vec<Event>) -> Self {
        Self { v: PROTOCOL_VERSION, events }
    }

    /// As JSON.
    pub fn encode(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a frame.
    pub fn decode(text: &str) -> serde_json::Result<Self> {
        // From bytes, as the log is read: one reader is enough for a small client.
        serde_json::from_slice(text.as_bytes())
    }

    /// Groups events into as few frames as their order and the encoded limit allow. An event that is over the limit
    /// by itself gets a frame of its own: whoever makes events keeps them under [`crate::limits::MAX_EVENT_BYTES`].
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
    fn a_resume_is_what_api_gateway_routes() {
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
    fn frames_keep_order_and_stay_below_the_limit_of_the_encoded_message() {
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

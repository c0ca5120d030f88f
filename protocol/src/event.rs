//! What a build says while it runs.

use serde::{Deserialize, Serialize};

use crate::limits::PROTOCOL_VERSION;
use crate::{BuildId, BuildResult};

/// One thing that happened. `status`, `output` and `skipped` are numbered from 1 without holes, across attempts;
/// the other kinds carry no number, are not stored and may be lost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Version of the protocol.
    pub v: u32,
    /// The build it belongs to.
    pub build: BuildId,
    /// Its number; of `skipped`, the first number that it stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// When, in milliseconds since 1970 by the sender's clock.
    pub at: u64,
    /// What.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventKind {
    /// The build went on to something else. Numbered.
    Status(Status),
    /// Cargo, or what cargo ran, printed something. Numbered.
    Output {
        /// Where it printed.
        stream: Stream,
        /// What: any piece of text, usually whole lines. Bytes that are no UTF-8 became U+FFFD.
        text: String,
    },
    /// Output too plentiful to stream: these numbers are read from the log. Numbered, by `from`.
    Skipped {
        /// The first number left out; the event's own `seq`.
        from: u64,
        /// The last one.
        to: u64,
    },
    /// How far cargo is. Not numbered.
    Progress {
        /// Units finished.
        done: u64,
        /// Units in all, as far as cargo knows.
        total: u64,
        /// What compiles now, by crate name, as cargo lists it.
        current: String,
        /// The highest number given out so far.
        last: u64,
    },
    /// Nothing else to say. Not numbered.
    Alive {
        /// The highest number given out so far.
        last: u64,
    },
    /// The answer to a resume, after the stored events. Not numbered.
    CaughtUp {
        /// The highest number that is stored.
        last: u64,
    },
    /// The end. Not numbered: `last` inside tells what came before it.
    Finished(Box<BuildResult>),
    /// A kind this version doesn't know; its number counts all the same.
    #[serde(other)]
    Unknown,
}

/// Where a build is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Status {
    /// The backend has the source.
    Received,
    /// Others are first.
    Queued {
        /// 1: the next to start.
        place: u64,
    },
    /// Another build of the same project works in its folder.
    Waiting,
    /// What an earlier build left is fetched from the cache.
    Restoring,
    /// The source is being unpacked.
    Unpacking,
    /// Cargo runs.
    Compiling {
        /// From 1.
        attempt: u32,
        /// The folder of the source on the builder, so that a client can put its own in the place of it.
        source: String,
        /// Cargo's target directory on the builder, likewise.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        target: Option<String>,
        /// The folder programs are installed into on the builder, likewise.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        root: Option<String>,
    },
    /// What was built runs.
    Running,
    /// The attempt ran out of time; what it has made is saved for the next.
    Pausing {
        /// The attempt that ends, from 1.
        attempt: u32,
    },
    /// What was built is packed.
    Packing,
    /// What was built is being stored.
    Uploading,
    /// A status this version doesn't know.
    #[serde(other)]
    Unknown,
}

/// One of a process's two outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Event {
    /// An event of this version of the protocol.
    pub fn new(build: BuildId, seq: Option<u64>, at: u64, kind: EventKind) -> Self {
        Self { v: PROTOCOL_VERSION, build, seq, at, kind }
    }

    /// The numbers this event settles, first and last; none for an event without a number or with a senseless range.
    pub fn span(&self) -> Option<(u64, u64)> {
        let seq = self.seq.filter(|seq| *seq > 0)?;
        match self.kind {
            EventKind::Skipped { from, to } => (from == seq && to >= from).then_some((from, to)),
            _ => Some((seq, seq)),
        }
    }

    /// The highest number this event tells of: its own, or what it says of the stream.
    pub fn highest(&self) -> u64 {
        let told = match &self.kind {
            EventKind::Progress { last, .. } | EventKind::Alive { last } | EventKind::CaughtUp { last } => *last,
            EventKind::Finished(result) => result.last,
            _ => 0,
        };
        told.max(self.span().map_or(0, |(_, to)| to))
    }

    /// Bytes of the event as JSON.
    pub fn encoded_len(&self) -> usize {
        serde_json::to_vec(self).map_or(usize::MAX, |json| json.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> BuildId {
        BuildId::new(1, [0; 10])
    }

    #[test]
    fn events_are_flat_json() {
        let event = Event::new(
            id(),
            Some(3),
            5,
            EventKind::Status(Status::Compiling { attempt: 1, source: "/w".to_owned(), target: None, root: None }),
        );
        let json = serde_json::to_value(&event).unwrap();
        assert_eq!(
            json,
            serde_json::json!({"v": 1, "build": id(), "seq": 3, "at": 5, "kind": "status",
                "status": "compiling", "attempt": 1, "source": "/w"})
        );
        assert_eq!(serde_json::from_value::<Event>(json).unwrap(), event);
    }

    #[test]
    fn a_newer_versions_kinds_statuses_and_fields_are_read() {
        for body in [
            r#""kind":"weather","sky":"blue""#,
            r#""kind":"status","status":"napping","for":3"#,
            r#""kind":"output","stream":"stdout","text":"x","font":"serif""#,
        ] {
            let json = format!(r#"{{"v":9,"build":"{}","seq":4,"at":1,{body},"more":[1]}}"#, id());
            let event: Event = serde_json::from_str(&json).unwrap();
            assert_eq!(event.span(), Some((4, 4)), "{json}");
        }
    }

    #[test]
    fn a_senseless_range_settles_nothing() {
        let skipped = |seq, from, to| Event::new(id(), seq, 0, EventKind::Skipped { from, to }).span();
        assert_eq!(skipped(Some(2), 2, 5), Some((2, 5)));
        assert_eq!(skipped(Some(2), 1, u64::MAX), None);
        assert_eq!(skipped(Some(2), 2, 1), None);
        assert_eq!(skipped(Some(0), 0, 9), None);
        assert_eq!(skipped(None, 2, 5), None);
    }
}

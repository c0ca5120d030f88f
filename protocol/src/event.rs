//! The events of a build: what the builder reports while the build runs.

use serde::{Deserialize, Serialize};

use crate::limits::PROTOCOL_VERSION;
use crate::{BuildId, BuildResult};

/// One event of a build. `status`, `output` and `skipped` are numbered from 1 without holes, across attempts; the other
/// kinds carry no number, are not stored and may be lost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Version of the protocol, [`PROTOCOL_VERSION`] of the sender.
    pub v: u32,
    /// The build that this event belongs to.
    pub build: BuildId,
    /// Number of the event, from 1; for `skipped`, the first number it stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// Time of sending in milliseconds since 1970, by the sender's clock.
    pub at: u64,
    /// The kind of event, with its data.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// The kind of an event, with its data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventKind {
    /// The build entered another phase. Numbered.
    Status(Status),
    /// Cargo, or a program that cargo ran, printed text. Numbered.
    Output {
        /// The stream that the text was printed to.
        stream: Stream,
        /// Any piece of text, usually whole lines. Bytes that are not UTF-8 are replaced by U+FFFD.
        text: String,
    },
    /// Output beyond the streaming cap of a build: the client reads these numbers from the log. Numbered, by `from`.
    Skipped {
        /// The first number left out; the event's own `seq`.
        from: u64,
        /// The last number left out.
        to: u64,
    },
    /// How far cargo has come. Not numbered.
    Progress {
        /// Units of cargo's plan that are finished.
        done: u64,
        /// All units of the plan, as far as cargo knows.
        total: u64,
        /// The crates that compile now, as cargo's progress bar lists them.
        current: String,
        /// The highest number assigned so far.
        last: u64,
    },
    /// The build still runs, but printed nothing for a while. Not numbered.
    Alive {
        /// The highest number assigned so far.
        last: u64,
    },
    /// Ends the answer to a resume, after the stored events. Not numbered.
    CaughtUp {
        /// The highest number stored so far.
        last: u64,
    },
    /// The build ended. Not numbered: `last` inside the result says how many numbers came before.
    Finished(Box<BuildResult>),
    /// A kind that this version doesn't know. Its number still counts, so that newer backends leave no hole.
    #[serde(other)]
    Unknown,
}

/// The phase that a build is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Status {
    /// The backend has received the source.
    Received,
    /// The build waits for a free slot of the backend.
    Queued {
        /// Position in the queue; 1 starts next.
        place: u64,
    },
    /// The build waits for another build of the same project, which uses the project's folder.
    Waiting,
    /// The target directory of an earlier build is being fetched from the cache.
    Restoring,
    /// The builder unpacks the source archive.
    Unpacking,
    /// The builder fetches the standard library for a target, because it isn't installed yet.
    FetchingTarget {
        /// The triple of the target whose library is fetched.
        target: String,
    },
    /// Cargo runs and compiles the project.
    Compiling {
        /// Number of the attempt, from 1.
        attempt: u32,
        /// Folder of the source on the builder. The client replaces it in the output by the device's own folder.
        source: String,
        /// Cargo's target directory on the builder, replaced in the same way.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        target: Option<String>,
        /// Folder that `cargo install` installs into on the builder, replaced in the same way.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        root: Option<String>,
    },
    /// The program, the tests or the benchmarks run.
    Running,
    /// The attempt ran out of time; the builder saves what it compiled for the next attempt.
    Pausing {
        /// Number of the attempt that ends, from 1.
        attempt: u32,
    },
    /// The builder packs the artifact.
    Packing,
    /// The builder uploads the artifact to the output bucket.
    Uploading,
    /// A phase that this version doesn't know.
    #[serde(other)]
    Unknown,
}

/// One of the two output streams of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// The standard output of the process.
    Stdout,
    /// The standard error of the process.
    Stderr,
}

impl Event {
    /// Creates an event with this crate's protocol version. `at` is in milliseconds since 1970.
    pub fn new(build: BuildId, seq: Option<u64>, at: u64, kind: EventKind) -> Self {
        Self { v: PROTOCOL_VERSION, build, seq, at, kind }
    }

    /// The first and last number that this event covers; `None` for an event without a number or with an invalid range.
    pub fn span(&self) -> Option<(u64, u64)> {
        let seq = self.seq.filter(|seq| *seq > 0)?;
        match self.kind {
            EventKind::Skipped { from, to } => (from == seq && to >= from).then_some((from, to)),
            _ => Some((seq, seq)),
        }
    }

    /// The highest number that this event proves to exist: its own, or the `last` that it reports.
    pub fn highest(&self) -> u64 {
        let told = match &self.kind {
            EventKind::Progress { last, .. } | EventKind::Alive { last } | EventKind::CaughtUp { last } => *last,
            EventKind::Finished(result) => result.last,
            _ => 0,
        };
        told.max(self.span().map_or(0, |(_, to)| to))
    }

    /// Size of the event as JSON, in bytes.
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

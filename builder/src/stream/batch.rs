//! Turns gathered output into numbered events, and decides which of them go to followers.

use protocol::limits::{MAX_EVENT_BYTES, MAX_STREAMED_BYTES};
use protocol::{BuildId, Event, EventKind, Status, Stream};

use super::split::split;

/// Gathered output is flushed when it reaches this size, in bytes of text.
const MAX_GATHERED: usize = 24 * 1024;

/// Gathers output and numbers events. Does no I/O and reads no clock: times are arguments.
#[derive(Debug)]
pub(super) struct EventBatcher {
    build: BuildId,
    next_seq: u64,
    streamed: u64,
    limit: u64,
    gathered: Vec<(Stream, String)>,
    size: usize,
    skipped: Option<(u64, u64)>,
}

/// The events that a flush produced.
#[derive(Debug, Default, PartialEq)]
pub(super) struct FlushedEvents {
    /// The events for the log: all numbered ones.
    pub logged: Vec<Event>,
    /// The events for followers, which may be fewer.
    pub sent: Vec<Event>,
}

impl EventBatcher {
    /// `first_seq` is the first event's number; `streamed` is how many encoded bytes of output earlier attempts sent.
    pub fn new(build: BuildId, first_seq: u64, streamed: u64) -> Self {
        let first_seq = first_seq.max(1);
        Self {
            build,
            next_seq: first_seq,
            streamed,
            limit: MAX_STREAMED_BYTES,
            gathered: Vec::new(),
            size: 0,
            skipped: None,
        }
    }

    /// The number that the next event will have.
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// How many encoded bytes of output were sent, by earlier attempts too.
    pub fn streamed(&self) -> u64 {
        self.streamed
    }

    /// Adds output, to be flushed later.
    pub fn gather(&mut self, stream: Stream, text: String) {
        self.size += text.len();
        match self.gathered.last_mut() {
            Some((last, before)) if *last == stream => before.push_str(&text),
            _ => self.gathered.push((stream, text)),
        }
    }

    /// Whether there is output to flush.
    pub fn has_output(&self) -> bool {
        !self.gathered.is_empty()
    }

    /// Whether there is so much output that it should be flushed now.
    pub fn is_full(&self) -> bool {
        self.size >= MAX_GATHERED
    }

    /// Whether events were left out that followers don't know of yet.
    pub fn has_skipped(&self) -> bool {
        self.skipped.is_some()
    }

    /// Turns the gathered output into events. Those beyond the limit are only logged.
    pub fn flush(&mut self, now: u64) -> FlushedEvents {
        let mut flush = FlushedEvents::default();
        self.size = 0;
        for (stream, text) in std::mem::take(&mut self.gathered) {
            let room = self.room(stream);
            for piece in split(&text, room) {
                let event = self.number(now, EventKind::Output { stream, text: piece.to_owned() });
                let size = event.encoded_len() as u64;
                if self.streamed + size > self.limit {
                    // Everything later is left out too, even if it would fit, so that followers miss one continuous
                    // piece.
                    self.streamed = self.limit;
                    let seq = self.next_seq - 1;
                    let from = self.skipped.map_or(seq, |(from, _)| from);
                    self.skipped = Some((from, seq));
                } else {
                    self.streamed += size;
                    flush.sent.push(event.clone());
                }
                flush.logged.push(event);
            }
        }
        flush
    }

    /// Adds the event that tells followers which numbers were left out, if any were.
    pub fn flush_skipped(&mut self, now: u64, flush: &mut FlushedEvents) {
        if let Some((from, to)) = self.skipped.take() {
            flush.sent.push(Event::new(self.build.clone(), Some(from), now, EventKind::Skipped { from, to }));
        }
    }

    /// Produces the event of a status, after all output before it.
    pub fn status(&mut self, now: u64, status: Status) -> FlushedEvents {
        let mut flush = self.flush(now);
        self.flush_skipped(now, &mut flush);
        let event = self.number(now, EventKind::Status(status));
        flush.logged.push(event.clone());
        flush.sent.push(event);
        flush
    }

    fn number(&mut self, now: u64, kind: EventKind) -> Event {
        let seq = self.next_seq;
        self.next_seq += 1;
        Event::new(self.build.clone(), Some(seq), now, kind)
    }

    /// How many encoded bytes of text fit into an event.
    fn room(&self, stream: Stream) -> usize {
        let empty = EventKind::Output { stream, text: String::new() };
        MAX_EVENT_BYTES - Event::new(self.build.clone(), Some(u64::MAX), u64::MAX, empty).encoded_len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batcher(limit: u64) -> EventBatcher {
        let mut batch = EventBatcher::new(BuildId::new(1, [0; 10]), 5, 0);
        batch.limit = limit;
        batch
    }

    fn text(event: &Event) -> &str {
        match &event.kind {
            EventKind::Output { text, .. } => text,
            _ => "",
        }
    }

    #[test]
    fn consecutive_output_of_one_stream_becomes_one_event() {
        let mut batch = batcher(1 << 30);
        for (stream, text) in
            [(Stream::Stderr, "a\n"), (Stream::Stderr, "b\n"), (Stream::Stdout, "c\n"), (Stream::Stderr, "d\n")]
        {
            batch.gather(stream, text.to_owned());
        }
        let flush = batch.flush(0);
        assert_eq!(flush.sent.iter().map(text).collect::<Vec<_>>(), ["a\nb\n", "c\n", "d\n"]);
        assert_eq!(flush.sent.iter().map(|event| event.seq).collect::<Vec<_>>(), [Some(5), Some(6), Some(7)]);
        assert_eq!(batch.next_seq(), 8);
    }

    #[test]
    fn a_huge_line_is_split_into_events_that_fit() {
        let mut batch = batcher(1 << 30);
        let line = "\u{1}ä".repeat(100_000);
        batch.gather(Stream::Stdout, line.clone());
        assert!(batch.is_full());
        let flush = batch.flush(u64::MAX);
        assert!(flush.sent.iter().all(|event| event.encoded_len() <= MAX_EVENT_BYTES));
        assert_eq!(flush.sent.iter().map(text).collect::<String>(), line);
    }

    #[test]
    fn output_beyond_the_limit_is_logged_and_announced_and_statuses_continue() {
        let mut batch = batcher(400);
        let mut logged = Vec::new();
        let mut known = Vec::new();
        for round in 0..6 {
            batch.gather(Stream::Stderr, "x".repeat(100));
            let mut flush = batch.flush(0);
            if round == 3 {
                batch.flush_skipped(0, &mut flush);
            }
            logged.extend(flush.logged);
            known.extend(flush.sent.iter().filter_map(Event::span));
        }
        let flush = batch.status(0, Status::Packing);
        logged.extend(flush.logged);
        known.extend(flush.sent.iter().filter_map(Event::span));
        assert_eq!(logged.iter().filter_map(|event| event.seq).collect::<Vec<_>>(), (5..=11).collect::<Vec<_>>());
        let mut next = 5;
        for (from, to) in &known {
            assert_eq!(*from, next, "{known:?}");
            next = to + 1;
        }
        assert_eq!(next, 12);
        assert!(known.len() < 7 && batch.streamed() <= 400);
    }
}

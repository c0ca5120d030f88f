//! Turns what was gathered into numbered events, and decides which of them are sent.

use protocol::limits::{MAX_EVENT_BYTES, MAX_STREAMED_BYTES};
use protocol::{BuildId, Event, EventKind, Status, Stream};

use super::split::split;

/// Gathered output is given out before it gets larger than this (bytes of text).
const MAX_GATHERED: usize = 24 * 1024;

/// Numbers events. Pure: times come in.
#[derive(Debug)]
pub(super) struct Batch {
    build: BuildId,
    next_seq: u64,
    streamed: u64,
    limit: u64,
    gathered: Vec<(Stream, String)>,
    size: usize,
    skipped: Option<(u64, u64)>,
}

/// What a flush comes to.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Flush {
    /// For the log: every numbered event.
    pub logged: Vec<Event>,
    /// For followers.
    pub sent: Vec<Event>,
}

impl Batch {
    /// Numbers go on with `first_seq`; `streamed` encoded bytes of output were sent by earlier attempts.
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

    /// The number the next event gets.
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Encoded bytes of output sent so far.
    pub fn streamed(&self) -> u64 {
        self.streamed
    }

    /// Adds output.
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

    /// Whether there is so much that it should not wait.
    pub fn is_full(&self) -> bool {
        self.size >= MAX_GATHERED
    }

    /// Whether numbers were left out that nobody was told of.
    pub fn has_skipped(&self) -> bool {
        self.skipped.is_some()
    }

    /// The gathered output as events; beyond the limit they are only logged.
    pub fn flush(&mut self, now: u64) -> Flush {
        let mut flush = Flush::default();
        self.size = 0;
        for (stream, text) in std::mem::take(&mut self.gathered) {
            let room = self.room(stream);
            for piece in split(&text, room) {
                let event = self.number(now, EventKind::Output { stream, text: piece.to_owned() });
                let size = event.encoded_len() as u64;
                if self.streamed + size > self.limit {
                    // Whatever comes later is left out too, however small: the log is read as one piece.
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

    /// Tells of the numbers left out.
    pub fn flush_skipped(&mut self, now: u64, flush: &mut Flush) {
        if let Some((from, to)) = self.skipped.take() {
            flush.sent.push(Event::new(self.build.clone(), Some(from), now, EventKind::Skipped { from, to }));
        }
    }

    /// A status, after everything before it.
    pub fn status(&mut self, now: u64, status: Status) -> Flush {
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

    /// What an event leaves for its text.
    fn room(&self, stream: Stream) -> usize {
        let empty = EventKind::Output { stream, text: String::new() };
        MAX_EVENT_BYTES - Event::new(self.build.clone(), Some(u64::MAX), u64::MAX, empty).encoded_len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(limit: u64) -> Batch {
        let mut batch = Batch::new(BuildId::new(1, [0; 10]), 5, 0);
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
    fn neighbours_of_one_stream_become_one_event() {
        let mut batch = batch(1 << 30);
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
    fn one_huge_line_of_escapes_fits_events() {
        let mut batch = batch(1 << 30);
        let line = "\u{1}ä".repeat(100_000);
        batch.gather(Stream::Stdout, line.clone());
        assert!(batch.is_full());
        let flush = batch.flush(u64::MAX);
        assert!(flush.sent.iter().all(|event| event.encoded_len() <= MAX_EVENT_BYTES));
        assert_eq!(flush.sent.iter().map(text).collect::<String>(), line);
    }

    #[test]
    fn beyond_the_limit_output_is_logged_and_announced_and_statuses_go_on() {
        let mut batch = batch(400);
        let mut logged = Vec::new();
        let mut settled = Vec::new();
        for round in 0..6 {
            batch.gather(Stream::Stderr, "x".repeat(100));
            let mut flush = batch.flush(0);
            if round == 3 {
                batch.flush_skipped(0, &mut flush);
            }
            logged.extend(flush.logged);
            settled.extend(flush.sent.iter().filter_map(Event::span));
        }
        let flush = batch.status(0, Status::Packing);
        logged.extend(flush.logged);
        settled.extend(flush.sent.iter().filter_map(Event::span));
        assert_eq!(logged.iter().filter_map(|event| event.seq).collect::<Vec<_>>(), (5..=11).collect::<Vec<_>>());
        let mut next = 5;
        for (from, to) in &settled {
            assert_eq!(*from, next, "{settled:?}");
            next = to + 1;
        }
        assert_eq!(next, 12);
        assert!(settled.len() < 7 && batch.streamed() <= 400);
    }
}

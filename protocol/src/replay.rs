//! The backend's side of a resume: takes stored events, gives messages to send.

use crate::limits::MAX_MESSAGE_BYTES;
use crate::{BuildId, BuildResult, Event, EventKind, Frame};

/// The answer to one resume. Stored events are pushed in order, page by page; each message is given out as soon as it
/// is full, so that an answer of any length needs the memory of one message.
#[derive(Debug)]
pub struct Replay {
    build: BuildId,
    after: u64,
    last: u64,
    pending: Vec<Event>,
    size: usize,
}

impl Replay {
    /// Starts the answer to "resume after number `after`".
    pub fn new(build: BuildId, after: u64) -> Self {
        Self { build, after, last: 0, pending: Vec::new(), size: Frame::new(Vec::new()).encode().len() }
    }

    /// Adds the next stored event, unless the client has it already. Returns a message when one is full.
    pub fn push(&mut self, mut event: Event) -> Option<Frame> {
        let (_, to) = event.span()?;
        self.last = self.last.max(to);
        if to <= self.after {
            return None;
        }
        if let EventKind::Skipped { from, .. } = &mut event.kind
            && *from <= self.after
        {
            *from = self.after + 1;
            event.seq = Some(*from);
        }
        self.add(event)
    }

    /// Ends the answer: the result, if the build has ended, then `caught_up`. `at` is the time in milliseconds since 1970.
    pub fn finish(mut self, result: Option<BuildResult>, at: u64) -> Vec<Frame> {
        let mut frames = Vec::new();
        let last = self.last;
        let ending = result.map(|result| EventKind::Finished(Box::new(result)));
        for kind in ending.into_iter().chain([EventKind::CaughtUp { last }]) {
            frames.extend(self.add(Event::new(self.build.clone(), None, at, kind)));
        }
        frames.push(Frame::new(self.pending));
        frames
    }

    fn add(&mut self, event: Event) -> Option<Frame> {
        let size = event.encoded_len().saturating_add(1);
        let full = !self.pending.is_empty() && self.size + size > MAX_MESSAGE_BYTES;
        let frame = full.then(|| {
            self.size = Frame::new(Vec::new()).encode().len();
            Frame::new(std::mem::take(&mut self.pending))
        });
        self.size += size;
        self.pending.push(event);
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Outcome, Stream};

    fn id() -> BuildId {
        BuildId::new(1, [0; 10])
    }

    fn output(seq: u64, len: usize) -> Event {
        Event::new(id(), Some(seq), 0, EventKind::Output { stream: Stream::Stdout, text: "\u{7}".repeat(len) })
    }

    fn replayed(stored: &[Event], after: u64, result: Option<BuildResult>) -> Vec<Frame> {
        let mut replay = Replay::new(id(), after);
        let mut frames: Vec<Frame> = stored.iter().filter_map(|event| replay.push(event.clone())).collect();
        frames.extend(replay.finish(result, 0));
        frames
    }

    #[test]
    fn a_long_answer_keeps_its_order_and_the_message_limit() {
        let stored: Vec<Event> = (1..=100).map(|n| output(n, 1000)).collect();
        let frames = replayed(&stored, 30, Some(BuildResult::new(id(), Outcome::Succeeded, 100)));
        assert!(frames.len() > 10);
        assert!(frames.iter().all(|frame| frame.encode().len() <= MAX_MESSAGE_BYTES));
        let events: Vec<Event> = frames.into_iter().flat_map(|frame| frame.events).collect();
        assert_eq!(events[..70], stored[30..]);
        assert!(matches!(events[70].kind, EventKind::Finished(_)));
        assert_eq!(events[71].kind, EventKind::CaughtUp { last: 100 });
    }

    #[test]
    fn a_resume_beyond_the_end_or_inside_a_skipped_range_is_answered() {
        let frames = replayed(&[output(1, 1)], 99, None);
        assert_eq!(frames.len(), 1);
        assert_eq!(frames[0].events[0].kind, EventKind::CaughtUp { last: 1 });
        let stored = [Event::new(id(), Some(1), 0, EventKind::Skipped { from: 1, to: 9 })];
        assert_eq!(replayed(&stored, 4, None)[0].events[0].kind, EventKind::Skipped { from: 5, to: 9 });
    }
}

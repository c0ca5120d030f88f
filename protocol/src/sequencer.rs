//! The client's side of the event stream. Events arrive late, twice, out of order or not at all; the sequencer delivers
//! each of them once, in order. It is a state machine without I/O and without a clock: `now` is a time in milliseconds
//! from any clock that doesn't run backwards.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::limits::{HOLE_PATIENCE, SILENCE_PATIENCE, STRAGGLER_PATIENCE};
use crate::{BuildId, BuildResult, ClientMessage, Event, EventKind};

/// The most events that are held back behind a hole. Further ones are dropped; the next resume brings them again.
const MAX_HELD: usize = 1024;

/// What the sequencer hands to the person's terminal.
#[derive(Debug, Clone, PartialEq)]
pub enum Delivery {
    /// The next event. A `skipped` event is cut to the part of its range that was not delivered before.
    Event(Event),
    /// Events that never arrived although the build has ended. Their text is in the log.
    Lost {
        /// First number that is missing.
        from: u64,
        /// Last number that is missing.
        to: u64,
    },
    /// The end of the build; nothing is delivered after it.
    Finished(Box<BuildResult>),
}

/// What the client has to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientAction {
    /// Send this message on the connection.
    Send(ClientMessage),
    /// The connection is dead: open a new one.
    Reconnect,
    /// Nothing to do until this time has passed or a message arrives.
    Wait(Duration),
    /// The end of the build was delivered.
    Done,
}

/// Puts the events of one build in order.
#[derive(Debug, Clone)]
pub struct EventSequencer {
    build: BuildId,
    /// Number of the next event to deliver.
    next: u64,
    /// Events that arrived too early, by their first number.
    held: BTreeMap<u64, Event>,
    /// The highest number known to exist.
    known: u64,
    hole_since: Option<u64>,
    /// Resumes in a row that filled no hole. Each of them doubles the waiting time.
    fruitless: u32,
    resume_since: Option<u64>,
    last_sign: u64,
    ending: Option<PendingResult>,
    done: bool,
}

#[derive(Debug, Clone)]
struct PendingResult {
    result: Box<BuildResult>,
    /// When the result arrived, or the latest event after it.
    since: u64,
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl EventSequencer {
    /// A sequencer for a build of which nothing was received yet.
    pub fn new(build: BuildId, now: u64) -> Self {
        Self {
            build,
            next: 1,
            held: BTreeMap::new(),
            known: 0,
            hole_since: None,
            fruitless: 0,
            resume_since: None,
            last_sign: now,
            ending: None,
            done: false,
        }
    }

    /// Number of the last delivered event, 0 for none.
    pub fn last_delivered(&self) -> u64 {
        self.next - 1
    }

    /// A connection was opened, the first or the hundredth. Returns the first message to send on it.
    pub fn connected(&mut self, now: u64) -> ClientMessage {
        self.last_sign = now;
        self.resume(now)
    }

    /// The connection was lost, so a resume that was sent on it will not be answered.
    pub fn disconnected(&mut self) {
        self.resume_since = None;
    }

    /// Takes an event and returns what can be shown now.
    pub fn receive(&mut self, event: Event, now: u64) -> Vec<Delivery> {
        if self.done || event.build != self.build {
            return Vec::new();
        }
        self.last_sign = now;
        self.known = self.known.max(event.highest());
        let before = self.next;
        let mut out = Vec::new();
        match event.kind {
            EventKind::Finished(result) if result.id == self.build => self.end(result, now),
            EventKind::Finished(_) => {}
            EventKind::CaughtUp { .. } => {
                self.resume_since = None;
                // What is still missing was not stored yet: wait before asking again.
                self.hole_since = self.hole_since.map(|_| now);
            }
            EventKind::Progress { .. } | EventKind::Alive { .. } => out.push(Delivery::Event(event)),
            _ => self.hold(event),
        }
        self.drain(&mut out);
        if self.next > before {
            self.fruitless = 0;
            self.hole_since = None;
            if let Some(ending) = &mut self.ending {
                ending.since = now;
            }
        }
        if self.next > self.known {
            self.hole_since = None;
        } else {
            self.hole_since.get_or_insert(now);
        }
        out.extend(self.finish(now));
        out
    }

    /// The result was found in the output bucket. The socket's silence is judged as before.
    pub fn found(&mut self, result: BuildResult, now: u64) -> Vec<Delivery> {
        let kind = EventKind::Finished(Box::new(result));
        let sign = self.last_sign;
        let out = self.receive(Event::new(self.build.clone(), None, 0, kind), now);
        self.last_sign = sign;
        out
    }

    /// What to do now. What becomes due by time alone is delivered by [`EventSequencer::expire`].
    pub fn next(&mut self, now: u64) -> ClientAction {
        if self.done {
            return ClientAction::Done;
        }
        let silence = now.saturating_sub(self.last_sign);
        let mut wait = ms(SILENCE_PATIENCE).saturating_sub(silence);
        if let Some(since) = self.resume_since {
            let asked = now.saturating_sub(since);
            if asked >= ms(SILENCE_PATIENCE) {
                if silence >= ms(SILENCE_PATIENCE) {
                    return ClientAction::Reconnect;
                }
                // The connection is alive but the answer was lost: ask again.
                return ClientAction::Send(self.resume(now));
            }
            wait = ms(SILENCE_PATIENCE) - asked;
        } else if wait == 0 {
            return ClientAction::Send(self.resume(now));
        } else if let Some(since) = self.hole_since {
            let patience = ms(HOLE_PATIENCE) << self.fruitless.min(5);
            let open = now.saturating_sub(since);
            if open >= patience {
                self.fruitless += 1;
                self.hole_since = Some(now);
                return ClientAction::Send(self.resume(now));
            }
            wait = wait.min(patience - open);
        }
        if let Some(ending) = &self.ending {
            wait = wait.min(ms(STRAGGLER_PATIENCE).saturating_sub(now.saturating_sub(ending.since)));
        }
        ClientAction::Wait(Duration::from_millis(wait.max(1)))
    }

    /// Delivers the end once the wait for missing events is over.
    pub fn expire(&mut self, now: u64) -> Vec<Delivery> {
        if self.done {
            return Vec::new();
        }
        self.finish(now)
    }

    fn resume(&mut self, now: u64) -> ClientMessage {
        self.resume_since = Some(now);
        ClientMessage::Resume { after: self.next - 1 }
    }

    fn end(&mut self, result: Box<BuildResult>, now: u64) {
        // The first result is the true one: `result.json` is written once.
        self.ending.get_or_insert(PendingResult { result, since: now });
    }

    fn hold(&mut self, event: Event) {
        let Some((from, to)) = event.span() else { return };
        if to < self.next || (from > self.next && self.held.len() >= MAX_HELD) {
            return;
        }
        // Of two events that begin with the same number, keep the one that covers more.
        match self.held.get(&from).and_then(Event::span) {
            Some((_, held_to)) if held_to >= to => {}
            _ => drop(self.held.insert(from, event)),
        }
    }

    fn drain(&mut self, out: &mut Vec<Delivery>) {
        while let Some(entry) = self.held.first_entry() {
            if *entry.key() > self.next {
                break;
            }
            let mut event = entry.remove();
            let Some((_, to)) = event.span().filter(|(_, to)| *to >= self.next) else { continue };
            if let EventKind::Skipped { from, .. } = &mut event.kind {
                *from = self.next;
                event.seq = Some(self.next);
            }
            self.next = to.saturating_add(1);
            out.push(Delivery::Event(event));
        }
    }

    fn finish(&mut self, now: u64) -> Vec<Delivery> {
        let Some(ending) = &self.ending else { return Vec::new() };
        let whole = self.next > self.known.max(ending.result.last);
        let waited = now.saturating_sub(ending.since) >= ms(STRAGGLER_PATIENCE);
        if !(waited || (whole && ending.result.complete)) {
            return Vec::new();
        }
        let mut out = Vec::new();
        // The missing text is in the log. A held event proves that numbers up to its own exist.
        let last = ending.result.last.max(self.held.last_key_value().map_or(0, |(from, _)| *from));
        while self.next <= last {
            let to = self.held.first_key_value().map_or(last, |(from, _)| from - 1);
            out.push(Delivery::Lost { from: self.next, to });
            self.next = to.saturating_add(1);
            self.drain(&mut out);
        }
        self.done = true;
        out.extend(self.ending.take().map(|ending| Delivery::Finished(ending.result)));
        out
    }
}

#[cfg(test)]
mod tests;

//! The client's side of the stream: events come late, twice, out of order or not at all, and leave here once each, in
//! order. A state machine without I/O and clock: `now` is any clock in milliseconds that doesn't run backwards.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::limits::{HOLE_PATIENCE, SILENCE_PATIENCE, STRAGGLER_PATIENCE};
use crate::{BuildId, BuildResult, ClientMessage, Event, EventKind};

/// Events held back behind a hole, at most; further ones are dropped and come again with the resume.
const MAX_HELD: usize = 1024;

/// What goes to the person.
#[derive(Debug, Clone, PartialEq)]
pub enum Delivery {
    /// The next event. `skipped` is among them, with the part of its range that was not delivered before.
    Event(Event),
    /// Events that never came, though the build has ended: their text is in the log.
    Lost {
        /// The first number.
        from: u64,
        /// The last number.
        to: u64,
    },
    /// The end; nothing comes after it.
    Finished(Box<BuildResult>),
}

/// What a client does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientAction {
    /// Send this on the connection.
    Send(ClientMessage),
    /// The connection is dead: open another.
    Reconnect,
    /// Nothing to do before so much time has passed, or something was received.
    Wait(Duration),
    /// The end was delivered.
    Done,
}

/// The order of one build's events.
#[derive(Debug)]
pub struct EventSequencer {
    build: BuildId,
    /// The next number to deliver.
    next: u64,
    /// What came too early, by its first number.
    held: BTreeMap<u64, Event>,
    /// The highest number told of.
    known: u64,
    hole_since: Option<u64>,
    /// Resumes in a row that filled nothing: each doubles the patience.
    fruitless: u32,
    resume_since: Option<u64>,
    last_sign: u64,
    ending: Option<PendingResult>,
    done: bool,
}

#[derive(Debug)]
struct PendingResult {
    result: Box<BuildResult>,
    /// When it came, or when a straggler came after it.
    since: u64,
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl EventSequencer {
    /// The order of a build of which nothing was received yet.
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

    /// The number of the last event delivered, 0 for none.
    pub fn last_delivered(&self) -> u64 {
        self.next - 1
    }

    /// A connection stands, the first or the hundredth: this is the first thing to send on it.
    pub fn connected(&mut self, now: u64) -> ClientMessage {
        self.last_sign = now;
        self.resume(now)
    }

    /// The connection is gone, and what was asked on it is not answered any more.
    pub fn disconnected(&mut self) {
        self.resume_since = None;
    }

    /// Takes an event in and gives out what may be shown now.
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
                // What still lacks was not there to be sent: give it time before asking again.
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

    /// The result was found in the bucket, whatever the socket says.
    pub fn found(&mut self, result: BuildResult, now: u64) -> Vec<Delivery> {
        let kind = EventKind::Finished(Box::new(result));
        let sign = self.last_sign;
        let out = self.receive(Event::new(self.build.clone(), None, 0, kind), now);
        self.last_sign = sign;
        out
    }

    /// What to do now; what time alone brings about is delivered by [`EventSequencer::expire`].
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
                // The connection lives but the answer was lost: ask again.
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

    /// What the passing of time alone brings about: the end, when its stragglers were waited for long enough.
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
        // The first is the true one: `result.json` is written once.
        self.ending.get_or_insert(PendingResult { result, since: now });
    }

    fn hold(&mut self, event: Event) {
        let Some((from, to)) = event.span() else { return };
        if to < self.next || (from > self.next && self.held.len() >= MAX_HELD) {
            return;
        }
        // Of two events that begin with the same number the longer one says more.
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
        // Only the log can tell what lies in the holes; a stream that says so itself has none beyond its last number.
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

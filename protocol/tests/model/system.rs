//! The parts of the model: a builder, a bus, a relay, and clients on connections that may fail.

use std::collections::BTreeSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::time::Duration;

use cargo_cloud_protocol::{
    BuildId, BuildResult, ClientAction, ClientMessage, Delivery, Event, EventKind, EventSequencer, Outcome, Replay,
    Stream,
};

/// A message on the bus, or from the relay to a follower.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Message {
    Numbered(u64),
    CaughtUp(u64),
    Finished(StoredResult),
}

/// The part of `result.json` that the protocol depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoredResult {
    pub last: u64,
    pub complete: bool,
}

/// What a follower showed: the number of an event, or the end of the build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shown {
    Number(u64),
    End,
}

/// A client, its connection, and what it has shown.
#[derive(Clone)]
pub struct FollowerModel {
    pub sequencer: EventSequencer,
    pub now: u64,
    pub connected: bool,
    /// Messages on the way to the client; they arrive in any order.
    pub wire: Vec<Message>,
    /// A resume on the way to the relay.
    pub resume: Option<u64>,
    pub shown: Vec<Shown>,
    /// When numbers were first given up as lost.
    pub lost_at: Option<u64>,
    pub waits: u8,
}

/// The whole system at one moment.
#[derive(Debug, Clone)]
pub struct SystemModel {
    /// Events that the builder has put on the bus.
    pub produced: u64,
    pub builder_ended: bool,
    /// Messages on the bus; the relay receives them in any order.
    pub bus: Vec<Message>,
    /// Numbers that the relay has stored.
    pub stored: BTreeSet<u64>,
    pub result: Option<StoredResult>,
    pub followers: Vec<FollowerModel>,
    pub faults: u8,
}

pub fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn build() -> BuildId {
    BuildId::new(1, [0; 10])
}

fn numbered(seq: u64) -> Event {
    Event::new(build(), Some(seq), 0, EventKind::Output { stream: Stream::Stdout, text: String::new() })
}

impl StoredResult {
    pub fn as_result(self) -> BuildResult {
        BuildResult { complete: self.complete, ..BuildResult::new(build(), Outcome::Succeeded, self.last) }
    }
}

impl Message {
    fn as_event(self) -> Event {
        match self {
            Message::Numbered(seq) => numbered(seq),
            Message::CaughtUp(last) => Event::new(build(), None, 0, EventKind::CaughtUp { last }),
            Message::Finished(result) => {
                Event::new(build(), None, 0, EventKind::Finished(Box::new(result.as_result())))
            }
        }
    }

    fn of_event(event: &Event) -> Self {
        match &event.kind {
            EventKind::CaughtUp { last } => Message::CaughtUp(*last),
            EventKind::Finished(result) => {
                Message::Finished(StoredResult { last: result.last, complete: result.complete })
            }
            _ => Message::Numbered(event.seq.unwrap_or_default()),
        }
    }
}

impl fmt::Debug for FollowerModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FollowerModel { sequencer, now, connected, wire, resume, shown, lost_at, waits } = self;
        write!(f, "{sequencer:?} {now} {connected} {wire:?} {resume:?} {shown:?} {lost_at:?} {waits}")
    }
}

impl PartialEq for SystemModel {
    fn eq(&self, other: &Self) -> bool {
        format!("{self:?}") == format!("{other:?}")
    }
}

// The sequencer's events hold numbers that can't be hashed, so the text of a state stands for it.
impl Hash for SystemModel {
    fn hash<H: Hasher>(&self, state: &mut H) {
        format!("{self:?}").hash(state);
    }
}

impl FollowerModel {
    pub fn new() -> Self {
        let sequencer = EventSequencer::new(build(), 0);
        Self {
            sequencer,
            now: 0,
            connected: false,
            wire: Vec::new(),
            resume: None,
            shown: Vec::new(),
            lost_at: None,
            waits: 0,
        }
    }

    pub fn done(&self) -> bool {
        self.shown.last() == Some(&Shown::End)
    }

    pub fn show(&mut self, deliveries: Vec<Delivery>) {
        for delivery in deliveries {
            match delivery {
                Delivery::Event(event) => {
                    let (from, to) = event.span().unwrap_or((1, 0));
                    self.shown.extend((from..=to).map(Shown::Number));
                }
                // The client reads these numbers from the log.
                Delivery::Lost { from, to } => {
                    self.lost_at.get_or_insert(self.now);
                    self.shown.extend((from..=to).map(Shown::Number));
                }
                Delivery::Finished(_) => self.shown.push(Shown::End),
            }
        }
    }

    pub fn connect(&mut self) {
        self.connected = true;
        let ClientMessage::Resume { after } = self.sequencer.connected(self.now);
        self.resume = Some(after);
    }

    pub fn disconnect(&mut self) {
        self.connected = false;
        self.wire.clear();
        self.resume = None;
        self.sequencer.disconnected();
    }

    fn post(&mut self, message: Message) {
        if self.connected {
            self.wire.push(message);
            self.wire.sort();
        }
    }

    pub fn receive(&mut self, position: usize) {
        let message = self.wire.remove(position);
        let deliveries = self.sequencer.receive(message.as_event(), self.now);
        self.show(deliveries);
    }

    /// Lets time pass until the client has something to do, and does it.
    pub fn wait(&mut self) {
        match self.sequencer.next(self.now) {
            ClientAction::Wait(time) => self.now += milliseconds(time),
            ClientAction::Send(ClientMessage::Resume { after }) => {
                if self.connected {
                    self.resume = Some(after);
                }
            }
            ClientAction::Reconnect => {
                self.disconnect();
                self.connect();
            }
            ClientAction::Done => {}
        }
        let deliveries = self.sequencer.expire(self.now);
        self.show(deliveries);
    }

    /// Whether each number was shown once and in order, and nothing after the end.
    pub fn in_order(&self) -> bool {
        self.shown.iter().enumerate().all(|(position, shown)| match shown {
            Shown::Number(number) => *number == position as u64 + 1,
            Shown::End => position + 1 == self.shown.len(),
        })
    }
}

impl SystemModel {
    pub fn put_on_bus(&mut self, message: Message) {
        self.bus.push(message);
        self.bus.sort();
    }

    /// The relay receives a message of the bus: it stores it, and posts it to the followers.
    pub fn relay(&mut self, position: usize) {
        let message = self.bus.remove(position);
        if let Message::Numbered(number) = message {
            self.stored.insert(number);
        }
        self.followers.iter_mut().for_each(|follower| follower.post(message));
    }

    pub fn serve_resume(&mut self, follower: usize) {
        let Some(after) = self.followers[follower].resume.take() else { return };
        let mut replay = Replay::new(build(), after);
        let mut frames: Vec<_> = self.stored.iter().filter_map(|number| replay.push(numbered(*number))).collect();
        frames.extend(replay.finish(self.result.map(StoredResult::as_result), 0));
        for event in frames.iter().flat_map(|frame| &frame.events) {
            self.followers[follower].post(Message::of_event(event));
        }
    }

    fn end(&mut self, result: StoredResult) {
        self.builder_ended = true;
        self.result = Some(result);
        self.put_on_bus(Message::Finished(result));
    }

    pub fn finish(&mut self) {
        self.end(StoredResult { last: self.produced, complete: true });
    }

    /// The builder dies, and the relay writes the result from what it has stored.
    pub fn kill_builder(&mut self) {
        self.end(StoredResult { last: self.stored.last().copied().unwrap_or(0), complete: false });
    }

    /// Lets everything work from now on.
    ///
    /// # Errors
    /// What is wrong, if a follower doesn't come to the right end.
    pub fn recover(&self, events: u64) -> Result<(), String> {
        let mut system = self.clone();
        while !system.builder_ended {
            if system.produced < events {
                system.produced += 1;
                system.put_on_bus(Message::Numbered(system.produced));
            } else {
                system.finish();
            }
        }
        while !system.bus.is_empty() {
            system.relay(0);
        }
        let last = system.result.map_or(0, |result| result.last);
        for number in 0..system.followers.len() {
            for _ in 0..100 {
                if system.followers[number].done() {
                    break;
                }
                if !system.followers[number].connected {
                    system.followers[number].connect();
                }
                system.serve_resume(number);
                while !system.followers[number].wire.is_empty() {
                    system.followers[number].receive(0);
                }
                system.followers[number].wait();
            }
            let follower = &system.followers[number];
            if !follower.done() {
                return Err(format!("follower {number} never ends: {follower:?}"));
            }
            if !follower.in_order() || (follower.shown.len() as u64) < last + 1 {
                return Err(format!("of {last} events, follower {number} showed {:?}", follower.shown));
            }
        }
        Ok(())
    }
}

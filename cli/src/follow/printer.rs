//! Events onto the terminal, each once and in order.

use std::collections::VecDeque;

use protocol::{Delivery, Event, EventKind, Status, Stream};

use super::log::Log;
use super::paths::{BuilderPaths, DevicePaths, PathMapping};
use crate::storage::StorageError;
use crate::terminal::Shell;

/// Output held back behind what was not streamed, at most; streaming stops soon after the first gap anyway.
const MAX_HELD_BYTES: usize = 8 * 1024 * 1024;

/// What is remembered of a line whose end is still to come; words of cargo's stand at its beginning.
const MAX_BEGUN: usize = 256;

/// Shows what is delivered.
pub struct Printer<'a> {
    shell: &'a Shell,
    paths: &'a DevicePaths,
    /// Whether standard output is cargo's messages in JSON.
    json: bool,
    mapping: PathMapping,
    /// From the first gap on: output is shown when the log has filled it.
    held: VecDeque<Held>,
    held_bytes: usize,
    place: Option<u64>,
    /// The beginning of the line that each stream is in.
    begun: [String; 2],
}

#[derive(Debug, PartialEq)]
enum Held {
    Gap(u64, u64),
    Event(Event),
}

impl<'a> Printer<'a> {
    /// `paths` are named in what the build prints.
    pub fn new(shell: &'a Shell, paths: &'a DevicePaths, json: bool) -> Self {
        let mapping = PathMapping::default();
        Self {
            shell,
            paths,
            json,
            mapping,
            held: VecDeque::new(),
            held_bytes: 0,
            place: None,
            begun: Default::default(),
        }
    }

    /// Shows, or keeps for later, anything but the end.
    pub fn deliver(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::Event(event) => match event.kind {
                EventKind::Progress { done, total, ref current, .. } => self.shell.building(done, total, current),
                EventKind::Skipped { from, to } => {
                    if self.held.is_empty() {
                        self.shell.note("this build prints more than can be followed live; the rest comes at its end");
                    }
                    self.gap(from, to);
                }
                EventKind::Output { .. } if !self.held.is_empty() => self.hold(event),
                _ => self.show(&event),
            },
            Delivery::Lost { from, to } => self.gap(from, to),
            Delivery::Finished(_) => {}
        }
    }

    /// Whether something is held back behind what never came.
    pub fn lacks_something(&self) -> bool {
        !self.held.is_empty()
    }

    fn gap(&mut self, from: u64, to: u64) {
        match self.held.back_mut() {
            Some(Held::Gap(_, last)) if last.saturating_add(1) == from => *last = to,
            _ => self.held.push_back(Held::Gap(from, to)),
        }
    }

    fn hold(&mut self, event: Event) {
        let EventKind::Output { text, .. } = &event.kind else { return };
        let seq = event.seq.unwrap_or_default();
        if self.held_bytes + text.len() > MAX_HELD_BYTES {
            // The log has it too.
            self.gap(seq, seq);
        } else {
            self.held_bytes += text.len();
            self.held.push_back(Held::Event(event));
        }
    }

    fn show(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Output { stream, text } => {
                let json = self.json && *stream == Stream::Stdout;
                let begun = &mut self.begun[usize::from(*stream == Stream::Stderr)];
                self.shell.output(*stream, &self.mapping.apply(begun, text, json));
                match text.rsplit_once('\n') {
                    Some((_, rest)) => rest.clone_into(begun),
                    None => begun.push_str(text),
                }
                begun.truncate(begun.floor_char_boundary(MAX_BEGUN));
            }
            EventKind::Status(status) => self.status(status),
            _ => {}
        }
    }

    fn status(&mut self, status: &Status) {
        match status {
            Status::Received => self.shell.waiting("Waiting", "for the builder"),
            Status::Queued { place } => {
                if self.place.replace(*place) != Some(*place) {
                    self.shell.status("Queued", format!("at place {place}"));
                }
                self.shell.waiting("Queued", &format!("at place {place}"));
            }
            Status::Waiting => self.shell.status("Waiting", "for another build of this project"),
            Status::Restoring => self.shell.waiting("Restoring", "what an earlier build left"),
            Status::Unpacking => self.shell.waiting("Unpacking", "on the builder"),
            Status::FetchingTarget { target } => {
                self.shell.status("Fetching", format!("the standard library for {target}"));
            }
            Status::Compiling { attempt, .. } => {
                self.map(status);
                if *attempt > 1 {
                    self.shell.status("Resuming", format!("where the time ran out (attempt {attempt})"));
                }
                self.shell.waiting("Building", "");
            }
            // What runs has the terminal for itself.
            Status::Running => self.shell.clear(),
            Status::Pausing { .. } => {
                self.shell.waiting("Pausing", "the builder's time is up; saving for the next attempt")
            }
            Status::Packing => self.shell.waiting("Packing", "what was built"),
            Status::Uploading => self.shell.waiting("Storing", "what was built"),
            _ => {}
        }
    }

    /// Notes the builder's folders.
    fn map(&mut self, status: &Status) {
        if let Status::Compiling { source, target, root, .. } = status {
            let builder = BuilderPaths { source: Some(source), target: target.as_deref(), root: root.as_deref() };
            self.mapping = PathMapping::new(builder, self.paths);
        }
    }

    /// Shows the whole log of a build that has ended. What is missing was never printed, if the result is `complete`.
    pub fn replay(&mut self, log: &mut Log, complete: bool) -> Result<(), StorageError> {
        while let Some(event) = log.next()? {
            match &event.kind {
                EventKind::Status(status) => self.map(status),
                _ => self.show(&event),
            }
        }
        if !complete {
            self.tell_missing(log);
        }
        Ok(())
    }

    fn tell_missing(&self, log: &Log) {
        if !log.missing().is_empty() {
            let attempts = log.missing().iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
            self.shell.warn(format!("part of the build's output may be lost: there is no log of attempt {attempts}"));
        }
    }

    /// After the end: fills the gaps from the log and shows what was held behind them.
    pub fn finish(&mut self, log: &mut Log) {
        let mut ahead: Option<Event> = None;
        let mut failure = None;
        while let Some(held) = self.held.pop_front() {
            let (from, to) = match held {
                Held::Event(event) => {
                    self.show(&event);
                    continue;
                }
                Held::Gap(from, to) => (from, to),
            };
            while failure.is_none() {
                let event = match ahead.take() {
                    Some(event) => event,
                    None => match log.next() {
                        Ok(Some(event)) => event,
                        Ok(None) => break,
                        Err(error) => {
                            failure = Some(error);
                            break;
                        }
                    },
                };
                let seq = event.seq.unwrap_or_default();
                if seq > to {
                    ahead = Some(event);
                    break;
                }
                if seq >= from {
                    // A status of long ago would only mislead, but it may carry the folder's name.
                    match &event.kind {
                        EventKind::Status(status) => self.map(status),
                        _ => self.show(&event),
                    }
                }
            }
        }
        // What the backend itself said between attempts is in no log; so a number that is missing says nothing.
        if let Some(error) = failure {
            self.shell.warn(format!("part of the build's output can't be shown: {error}"));
        } else {
            self.tell_missing(log);
        }
    }
}

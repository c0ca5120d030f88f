//! Prints each event once and in order.

use std::collections::VecDeque;

use protocol::{Delivery, Event, EventKind, Status, Stream};

use super::build_log::BuildLog;
use super::paths::{BuilderPaths, DevicePaths, PathMapping};
use crate::storage::StorageError;
use crate::terminal::Shell;

/// The most bytes of output that are kept back after a gap. Streaming stops soon after the first gap anyway.
const MAX_HELD_BYTES: usize = 8 * 1024 * 1024;

/// The most bytes of an unfinished line that are remembered. They are enough for cargo's word at its start.
const MAX_LINE_START: usize = 256;

/// Prints the events of one build.
pub struct Printer<'a> {
    shell: &'a Shell,
    paths: &'a DevicePaths,
    /// Whether standard output holds cargo's messages in JSON.
    json: bool,
    mapping: PathMapping,
    /// Output after the first gap. It is printed when the log has filled the gap.
    held_back: VecDeque<HeldBack>,
    held_bytes: usize,
    queue_position: Option<u64>,
    /// The beginning of the unfinished line of each stream.
    line_starts: [String; 2],
}

#[derive(Debug, PartialEq)]
enum HeldBack {
    /// Events that are missing: the first number and the last.
    Gap(u64, u64),
    Event(Event),
}

impl<'a> Printer<'a> {
    /// Creates a printer that shows these folders of the device. `json` says that standard output holds cargo's
    /// messages in JSON.
    pub fn new(shell: &'a Shell, paths: &'a DevicePaths, json: bool) -> Self {
        let mapping = PathMapping::default();
        Self {
            shell,
            paths,
            json,
            mapping,
            held_back: VecDeque::new(),
            held_bytes: 0,
            queue_position: None,
            line_starts: Default::default(),
        }
    }

    /// Prints an event, or keeps it back until the gap before it is filled.
    pub fn deliver(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::Event(event) => match event.kind {
                EventKind::Progress { done, total, ref current, .. } => self.shell.building(done, total, current),
                EventKind::Skipped { from, to } => {
                    if self.held_back.is_empty() {
                        self.shell.note("this build prints more than can be shown live; the rest is shown at its end");
                    }
                    self.gap(from, to);
                }
                EventKind::Output { .. } if !self.held_back.is_empty() => self.hold(event),
                _ => self.show(&event),
            },
            Delivery::Lost { from, to } => self.gap(from, to),
            Delivery::Finished(_) => {}
        }
    }

    /// Whether events are missing, so that output is kept back.
    pub fn has_gaps(&self) -> bool {
        !self.held_back.is_empty()
    }

    fn gap(&mut self, from: u64, to: u64) {
        match self.held_back.back_mut() {
            Some(HeldBack::Gap(_, last)) if last.saturating_add(1) == from => *last = to,
            _ => self.held_back.push_back(HeldBack::Gap(from, to)),
        }
    }

    fn hold(&mut self, event: Event) {
        let EventKind::Output { text, .. } = &event.kind else { return };
        let seq = event.seq.unwrap_or_default();
        if self.held_bytes + text.len() > MAX_HELD_BYTES {
            // The event is read from the log later.
            self.gap(seq, seq);
        } else {
            self.held_bytes += text.len();
            self.held_back.push_back(HeldBack::Event(event));
        }
    }

    fn show(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Output { stream, text } => {
                let json = self.json && *stream == Stream::Stdout;
                let line_start = &mut self.line_starts[usize::from(*stream == Stream::Stderr)];
                self.shell.output(*stream, &self.mapping.apply(line_start, text, json));
                match text.rsplit_once('\n') {
                    Some((_, rest)) => rest.clone_into(line_start),
                    None => line_start.push_str(text),
                }
                line_start.truncate(line_start.floor_char_boundary(MAX_LINE_START));
            }
            EventKind::Status(status) => self.status(status),
            _ => {}
        }
    }

    fn status(&mut self, status: &Status) {
        match status {
            Status::Received => self.shell.waiting("Waiting", "for the builder"),
            Status::Queued { place: position } => {
                if self.queue_position.replace(*position) != Some(*position) {
                    self.shell.status("Queued", format!("at position {position}"));
                }
                self.shell.waiting("Queued", &format!("at position {position}"));
            }
            Status::Waiting => self.shell.status("Waiting", "for another build of this project"),
            Status::Restoring => self.shell.waiting("Restoring", "what an earlier build left"),
            Status::Unpacking => self.shell.waiting("Unpacking", "on the builder"),
            Status::FetchingTarget { target } => {
                self.shell.status("Fetching", format!("the standard library for {target}"));
            }
            Status::Compiling { attempt, .. } => {
                self.map_folders(status);
                if *attempt > 1 {
                    self.shell.status("Resuming", format!("where the time ran out (attempt {attempt})"));
                }
                self.shell.waiting("Building", "");
            }
            // The running program uses the terminal alone.
            Status::Running => self.shell.clear(),
            Status::Pausing { .. } => {
                self.shell.waiting("Pausing", "the builder's time is up; saving for the next attempt")
            }
            Status::Packing => self.shell.waiting("Packing", "what was built"),
            Status::Uploading => self.shell.waiting("Storing", "what was built"),
            _ => {}
        }
    }

    /// Remembers the builder's folders from a status that names them.
    fn map_folders(&mut self, status: &Status) {
        if let Status::Compiling { source, target, root, .. } = status {
            let builder = BuilderPaths { source: Some(source), target: target.as_deref(), root: root.as_deref() };
            self.mapping = PathMapping::new(builder, self.paths);
        }
    }

    /// Prints the whole log of a build that has ended. `complete` says that its result is complete, so no log is
    /// missing.
    ///
    /// # Errors
    /// If the log can't be read.
    pub fn replay(&mut self, log: &mut BuildLog, complete: bool) -> Result<(), StorageError> {
        while let Some(event) = log.next()? {
            match &event.kind {
                EventKind::Status(status) => self.map_folders(status),
                _ => self.show(&event),
            }
        }
        if !complete {
            self.warn_of_missing_logs(log);
        }
        Ok(())
    }

    /// Warns if the log of an attempt is missing.
    fn warn_of_missing_logs(&self, log: &BuildLog) {
        if !log.missing().is_empty() {
            let attempts = log.missing().iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
            self.shell.warn(format!("part of the build's output may be lost: there is no log of attempt {attempts}"));
        }
    }

    /// Fills the gaps from the log and prints the output that was kept back. Call it after the end of the build.
    pub fn finish(&mut self, log: &mut BuildLog) {
        let mut ahead: Option<Event> = None;
        let mut failure = None;
        while let Some(held) = self.held_back.pop_front() {
            let (from, to) = match held {
                HeldBack::Event(event) => {
                    self.show(&event);
                    continue;
                }
                HeldBack::Gap(from, to) => (from, to),
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
                    // An old status would mislead the user, but it may name the builder's folders.
                    match &event.kind {
                        EventKind::Status(status) => self.map_folders(status),
                        _ => self.show(&event),
                    }
                }
            }
        }
        // A missing number doesn't mean lost output: the backend's own statuses between attempts are in no log.
        if let Some(error) = failure {
            self.shell.warn(format!("part of the build's output can't be shown: {error}"));
        } else {
            self.warn_of_missing_logs(log);
        }
    }
}

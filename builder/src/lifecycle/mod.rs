//! A build's life on a backend: how its attempts lead to a result.
//!
//! [`Lifecycle`] is a state machine without I/O and clock. A backend runs an attempt, stores what it left, and tells how
//! that went; the answer is the build's result, or where the next attempt begins. Every time-out, cancellation, crash and
//! refusal that cargo doesn't explain itself is decided here, so that all backends end builds alike. Backends supply
//! storage, delivery of events and the clock.

mod ending;
mod result;
#[cfg(test)]
mod tests;

use protocol::{BuildId, BuildResult, limits};
use serde::{Deserialize, Serialize};

pub use self::ending::{Abort, AttemptEnd, BudgetSpent, EndedAttempt, Pause, StopReason, StorageReport};

use crate::History;

/// What a backend allows the attempts of a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttemptLimits {
    /// Attempts of one build, at least 1.
    pub attempts: u32,
    /// What a person does to give each attempt more time on this backend, as a clause: "give … a longer …".
    pub more_time: &'static str,
}

impl AttemptLimits {
    /// The protocol's number of attempts, with this backend's advice on how to make one longer.
    pub const fn new(more_time: &'static str) -> Self {
        Self { attempts: limits::MAX_ATTEMPTS, more_time }
    }
}

/// What one attempt hands to the next. The Lambda backend sends it from invocation to invocation as JSON; a field that is
/// missing there has its default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Carried {
    /// Times, cache use and memory of the attempts so far, for the engine to go on from.
    pub history: History,
    /// Why events didn't reach the followers, if some didn't: the first reason.
    pub lost: Option<String>,
    /// Why the log of an attempt could not be stored, if one couldn't: the first reason.
    pub unlogged: Option<String>,
}

/// Number, first event and history with which an attempt begins.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptStart {
    /// The attempt's number, from 1.
    pub number: u32,
    /// The sequence number of its first event, from 1.
    pub first_seq: u64,
    /// What the earlier attempts left to it.
    pub carried: Carried,
}

impl AttemptStart {
    /// The first attempt of a build whose next event has the number `first_seq`.
    pub fn first(first_seq: u64) -> Self {
        Self { number: 1, first_seq, carried: Carried::default() }
    }
}

/// What follows from the end of an attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// The build is over. The result lacks only what the backend alone knows: the summary of the request, and the cost.
    Conclude(Box<BuildResult>),
    /// Another attempt goes on from here.
    Next(AttemptStart),
}

/// The life of one build.
#[derive(Debug, Clone)]
pub struct Lifecycle {
    build: BuildId,
    limits: AttemptLimits,
    start: AttemptStart,
    /// Attempts that were begun: all up to the current one, or up to the one before it.
    begun: u32,
}

impl Lifecycle {
    /// A build whose next attempt is this one.
    pub fn new(build: BuildId, limits: AttemptLimits, start: AttemptStart) -> Self {
        let begun = start.number.saturating_sub(1);
        Self { build, limits, start, begun }
    }

    /// Where the current attempt begins.
    pub fn start(&self) -> &AttemptStart {
        &self.start
    }

    /// The current attempt has begun: its claim is stored, and the result counts it.
    pub fn begin(&mut self) {
        self.begun = self.start.number;
    }

    /// Takes the next sequence number for an event of the backend's own, ahead of the engine's events.
    pub fn take_seq(&mut self) -> u64 {
        let seq = self.start.first_seq;
        self.start.first_seq = seq.saturating_add(1);
        seq
    }

    /// Decides what follows from the end of the current attempt. `stop` is why the backend told the attempt to stop, if
    /// it did; `stored` is what became of the attempt's artifact, log and events.
    ///
    /// After [`Decision::Next`] the next attempt is the current one.
    pub fn ended(&mut self, end: AttemptEnd, stop: Option<StopReason>, stored: StorageReport) -> Decision {
        let result = match end {
            AttemptEnd::Finished(result) => self.finished(*result, stop, &stored),
            AttemptEnd::Paused(pause) => {
                self.start.first_seq = pause.next_seq;
                self.start.carried.history = pause.history.clone();
                match stop {
                    Some(stop) => self.cancelled(stop.message()),
                    None if pause.advanced && self.start.number < self.limits.attempts => {
                        self.remember_losses(stored);
                        self.start.number += 1;
                        return Decision::Next(self.start.clone());
                    }
                    None => self.timed_out(&pause),
                }
            }
            AttemptEnd::Aborted(why) => return Decision::Conclude(Box::new(self.aborted(why, stop, stored))),
        };
        Decision::Conclude(Box::new(self.complete(result, stored)))
    }

    /// The result of a build whose current attempt came to no ending of the engine's, or could not even begin.
    pub fn aborted(&mut self, why: Abort, stop: Option<StopReason>, stored: StorageReport) -> BuildResult {
        let result = match stop {
            // Nobody wants the build any more: why it did not get further is of no use to anyone.
            Some(stop) => self.cancelled(stop.message()),
            None => self.abort_result(why),
        };
        self.complete(result, stored)
    }

    fn remember_losses(&mut self, stored: StorageReport) {
        let carried = &mut self.start.carried;
        carried.lost = carried.lost.take().or(stored.events_lost);
        carried.unlogged = carried.unlogged.take().or(stored.log_lost);
    }
}

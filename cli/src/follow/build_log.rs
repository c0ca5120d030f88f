//! Reads a build's log from the bucket. It holds every numbered event, even those that were not streamed.

use std::io::{BufRead, BufReader, Read};

use protocol::{BuildId, Event, Owner, keys};
use ureq::BodyReader;

use crate::storage::{Storage, StorageError};

/// Longest line in bytes that is read; an event has at most 28 KB.
const MAX_LINE_BYTES: u64 = 256 * 1024;
/// How many failures without a new event in between end the reading.
const MAX_FAILURES: u32 = 5;

/// Reads the events of all attempts in order, each once.
pub struct BuildLog<'a> {
    storage: &'a Storage,
    owner: &'a Owner,
    build: &'a BuildId,
    attempts: u32,
    attempt: u32,
    reader: Option<BufReader<BodyReader<'static>>>,
    last: u64,
    failures: u32,
    /// The numbers of the attempts that left no log.
    missing: Vec<u32>,
}

impl<'a> BuildLog<'a> {
    /// Creates a reader for the log of a build that had this number of attempts.
    pub fn new(storage: &'a Storage, owner: &'a Owner, build: &'a BuildId, attempts: u32) -> Self {
        Self {
            storage,
            owner,
            build,
            attempts: attempts.max(1),
            attempt: 1,
            reader: None,
            last: 0,
            failures: 0,
            missing: Vec::new(),
        }
    }

    /// The numbers of the attempts read so far that left no log.
    pub fn missing(&self) -> &[u32] {
        &self.missing
    }

    /// Reads the next event; `None` after the last one.
    ///
    /// # Errors
    /// If the log can't be read, after several tries.
    pub fn next(&mut self) -> Result<Option<Event>, StorageError> {
        while self.attempt <= self.attempts {
            let reader = match &mut self.reader {
                Some(reader) => reader,
                None => {
                    let key = keys::log(self.owner, self.build, self.attempt);
                    match self.storage.stream(&key, "read the build's log")? {
                        Some(reader) => self.reader.insert(reader),
                        // The builder died before it could store the log.
                        None => {
                            self.missing.push(self.attempt);
                            self.attempt += 1;
                            continue;
                        }
                    }
                }
            };
            let mut line = Vec::new();
            match reader.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line) {
                Ok(0) => {
                    self.reader = None;
                    self.attempt += 1;
                }
                Ok(_) => {
                    let event = serde_json::from_slice::<Event>(&line).ok();
                    let event = event.filter(|event| event.build == *self.build && event.seq > Some(self.last));
                    if let Some(event) = event {
                        self.last = event.seq.unwrap_or(self.last);
                        self.failures = 0;
                        return Ok(Some(event));
                    }
                }
                // Read this attempt's log again from its start. Events that were already read are skipped by their
                // number.
                Err(error) => {
                    self.reader = None;
                    self.failures += 1;
                    if self.failures >= MAX_FAILURES {
                        let action = "read the build's log".to_owned();
                        return Err(StorageError::InvalidAnswer { action, why: error.to_string() });
                    }
                    self.storage.pause(self.failures)?;
                }
            }
        }
        Ok(None)
    }
}

//! The build's log in the bucket: every numbered event, also those that were not streamed.

use std::io::{BufRead, BufReader, Read};

use protocol::{BuildId, Event, Owner, keys};
use ureq::BodyReader;

use crate::storage::{Storage, StorageError};

/// No line is longer: an event is 28 KB.
const MAX_LINE_BYTES: u64 = 256 * 1024;
/// Tries in a row that brought nothing new.
const MAX_FRUITLESS: u32 = 5;

/// Reads the events of all attempts, in order, once each.
pub struct Log<'a> {
    storage: &'a Storage,
    owner: &'a Owner,
    build: &'a BuildId,
    attempts: u32,
    attempt: u32,
    reader: Option<BufReader<BodyReader<'static>>>,
    last: u64,
    fruitless: u32,
    /// Attempts that left no log.
    missing: Vec<u32>,
}

impl<'a> Log<'a> {
    /// The log of a build with so many attempts.
    pub fn new(storage: &'a Storage, owner: &'a Owner, build: &'a BuildId, attempts: u32) -> Self {
        Self {
            storage,
            owner,
            build,
            attempts: attempts.max(1),
            attempt: 1,
            reader: None,
            last: 0,
            fruitless: 0,
            missing: Vec::new(),
        }
    }

    /// Attempts, of those read so far, that left no log.
    pub fn missing(&self) -> &[u32] {
        &self.missing
    }

    /// The next event; `None` after the last.
    ///
    /// # Errors
    /// When the log can't be read, all tries taken together.
    pub fn next(&mut self) -> Result<Option<Event>, StorageError> {
        while self.attempt <= self.attempts {
            let reader = match &mut self.reader {
                Some(reader) => reader,
                None => {
                    let key = keys::log(self.owner, self.build, self.attempt);
                    match self.storage.stream(&key, "read the build's log")? {
                        Some(reader) => self.reader.insert(reader),
                        // An attempt that died left none.
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
                        self.fruitless = 0;
                        return Ok(Some(event));
                    }
                }
                // From the start of this attempt; what was read is passed over by its number.
                Err(error) => {
                    self.reader = None;
                    self.fruitless += 1;
                    if self.fruitless >= MAX_FRUITLESS {
                        let action = "read the build's log".to_owned();
                        return Err(StorageError::InvalidAnswer { action, why: error.to_string() });
                    }
                    self.storage.pause(self.fruitless)?;
                }
            }
        }
        Ok(None)
    }
}

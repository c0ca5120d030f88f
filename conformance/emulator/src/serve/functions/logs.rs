//! CloudWatch Logs, as far as functions write to it: their output goes to `FOLDER/logs/<function>.log`.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};

/// The log of a function.
pub struct FunctionLog {
    file: Mutex<File>,
    /// The line that reports a panic, until it is taken.
    panicked: Mutex<Option<String>>,
}

impl FunctionLog {
    /// Opens the log `<function>.log` in a folder, and appends to it if it exists.
    pub fn open(folder: &Path, function: &str) -> Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("{} can't be made", folder.display()))?;
        let path = folder.join(format!("{function}.log"));
        let file = File::options().create(true).append(true).open(&path);
        let file = file.with_context(|| format!("{} can't be written", path.display()))?;
        Ok(Self { file: Mutex::new(file), panicked: Mutex::default() })
    }

    /// Appends a line. The function goes on if the log can't be written.
    pub fn write(&self, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        // `thread 'main' (7) panicked at src/…`, in front of the line or in a JSON field of it.
        if text.contains("thread '") && text.contains(" panicked at ") {
            *self.panicked.lock().unwrap_or_else(PoisonError::into_inner) = Some(text.trim_end().to_owned());
        }
        let mut whole = line.to_vec();
        if !whole.ends_with(b"\n") {
            whole.push(b'\n');
        }
        if let Err(error) = self.file.lock().unwrap_or_else(PoisonError::into_inner).write_all(&whole) {
            tracing::warn!(%error, "a function's log can't be written");
        }
    }

    /// Takes the line that reported a panic since the last call.
    pub fn take_panic(&self) -> Option<String> {
        self.panicked.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

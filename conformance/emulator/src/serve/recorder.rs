//! Every call of a function or a device, and which statement of which policy allowed it: `DIR/calls/<pid>.jsonl`, from
//! which the driver learns what grants are never used.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use serde::Serialize;

use super::call::{Call, Principal};
use super::iam::{Decision, Reason};

/// One call, as it is written down.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    /// `user/tablet`, `role/cargo-cloud-relay`, `service/s3.amazonaws.com`, `anonymous`.
    pub principal: String,
    /// `s3:PutObject`.
    pub action: String,
    /// The ARN.
    pub resource: String,
    /// Whether it was allowed.
    pub allowed: bool,
    /// Whether the scenario said that this may be refused. Always true for devices: what they are refused, they report.
    pub expected: bool,
    /// The statement that decided.
    pub by: Option<Reason>,
}

/// Where calls are written down.
pub struct Recorder {
    file: Mutex<File>,
    records: Mutex<Vec<Record>>,
}

impl Recorder {
    /// Begins a file of this process's own in `folder`.
    pub fn create(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("{} can't be made", folder.display()))?;
        let path = folder.join(format!("{}.jsonl", std::process::id()));
        let file = File::options().create(true).append(true).open(&path);
        let file = file.with_context(|| format!("{} can't be written", path.display()))?;
        Ok(Self { file: Mutex::new(file), records: Mutex::default() })
    }

    /// Writes a call down.
    pub fn add(&self, call: &Call, decision: &Decision, expected: bool) -> Result<()> {
        let record = Record {
            principal: name(&call.principal),
            action: call.action.clone(),
            resource: call.resource.clone(),
            allowed: decision.allowed(),
            expected,
            by: decision.reason().cloned(),
        };
        let mut line = serde_json::to_vec(&record).context("a call has no JSON")?;
        line.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // In one write: the file may be read at any time.
        file.write_all(&line).context("a call can't be written down")?;
        self.records.lock().unwrap_or_else(PoisonError::into_inner).push(record);
        Ok(())
    }

    /// All calls so far.
    pub fn all(&self) -> Vec<Record> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// How a principal is written down.
pub fn name(principal: &Principal) -> String {
    match principal {
        Principal::User { name, .. } => format!("user/{name}"),
        Principal::Role { name, .. } => format!("role/{name}"),
        Principal::Service { name } => format!("service/{name}"),
        Principal::Anonymous => "anonymous".to_owned(),
    }
}

//! Every call of a function or a device, and the statement of a policy that allowed it, in `DIR/calls/<pid>.jsonl`. The
//! driver reads there which grants were never used.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use serde::Serialize;

use super::call::{ActionCall, Principal};
use super::iam::{AccessDecision, Reason};

/// One call as it is recorded.
#[derive(Debug, Clone, Serialize)]
pub struct CallRecord {
    /// The caller: `user/tablet`, `role/cargo-cloud-relay`, `service/s3.amazonaws.com` or `anonymous`.
    pub principal: String,
    /// The action: `s3:PutObject`, for example.
    pub action: String,
    /// The ARN that is acted on.
    pub resource: String,
    /// Whether the policies allowed it.
    pub allowed: bool,
    /// Whether a refusal is acceptable: the scenario said so, or a device called, which reports refusals itself.
    pub expected: bool,
    /// The statement that decided, if one did.
    pub by: Option<Reason>,
}

/// Records all calls, in memory and in a file.
pub struct CallRecorder {
    file: Mutex<File>,
    records: Mutex<Vec<CallRecord>>,
}

impl CallRecorder {
    /// Starts a file for this process in a folder.
    pub fn create(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("{} can't be made", folder.display()))?;
        let path = folder.join(format!("{}.jsonl", std::process::id()));
        let file = File::options().create(true).append(true).open(&path);
        let file = file.with_context(|| format!("{} can't be written", path.display()))?;
        Ok(Self { file: Mutex::new(file), records: Mutex::default() })
    }

    /// Records a call and the decision about it.
    pub fn add(&self, call: &ActionCall, decision: &AccessDecision, expected: bool) -> Result<()> {
        let record = CallRecord {
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
        // One write for each line: the file may be read at any time.
        file.write_all(&line).context("a call can't be written down")?;
        self.records.lock().unwrap_or_else(PoisonError::into_inner).push(record);
        Ok(())
    }

    /// All calls that were recorded so far.
    pub fn all(&self) -> Vec<CallRecord> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The name of a principal in records.
pub fn name(principal: &Principal) -> String {
    match principal {
        Principal::User { name, .. } => format!("user/{name}"),
        Principal::Role { name, .. } => format!("role/{name}"),
        Principal::Service { name } => format!("service/{name}"),
        Principal::Anonymous => "anonymous".to_owned(),
    }
}

//! How a build ended: the body of `result.json` and of the `finished` event, which are one thing.

use serde::{Deserialize, Serialize};

use crate::limits::PROTOCOL_VERSION;
use crate::{BuildId, BuildSummary};

/// How a build ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BuildResult {
    /// Version of the protocol. (`version` here, because `finished` holds both, flat.)
    pub version: u32,
    /// Version of the backend, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<String>,
    /// The build.
    pub id: BuildId,
    /// The ending.
    pub outcome: Outcome,
    /// Cargo's exit code, where cargo ended by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// What happened, why, and what to do, for every ending that cargo's own output doesn't explain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What was built, if anything is to be fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<ArtifactInfo>,
    /// The highest number of an event.
    pub last: u64,
    /// False when someone else had to write the result: the events may have ended short of what cargo printed.
    pub complete: bool,
    /// How many attempts there were.
    #[serde(default)]
    pub attempts: u32,
    /// Where the time went.
    #[serde(default)]
    pub times: Times,
    /// The most memory all processes of the build held at once, in bytes, where it was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_memory: Option<u64>,
    /// What the build cost, in gigabyte-seconds, where that is counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gb_seconds: Option<f64>,
    /// What was there from an earlier build.
    #[serde(default)]
    pub cache: CacheUse,
    /// What was asked for, where whoever wrote the result knew.
    #[serde(default, rename = "asked", skip_serializing_if = "Option::is_none")]
    pub summary: Option<BuildSummary>,
}

/// How a build ended, for whoever acts on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// Cargo exited with 0.
    Succeeded,
    /// Cargo exited with something else.
    Failed,
    /// The source was deleted, or the backend was told to stop.
    Cancelled,
    /// No more attempts, or an attempt that got nowhere.
    TimedOut,
    /// The builder died: out of memory, killed, disk full.
    Crashed,
    /// Never begun: bad input, a target the backend lacks, a budget that is spent.
    Refused,
    /// An ending this version doesn't know.
    #[serde(other)]
    Unknown,
}

/// The object that holds what was built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactInfo {
    /// Bytes.
    pub size: u64,
    /// SHA-256 in lower-case hex.
    pub sha256: String,
}

/// Milliseconds a build spent in each phase, all attempts together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Times {
    /// Behind others, and behind the project's own lock.
    pub waiting: u64,
    /// Fetching what an earlier build left.
    pub restoring: u64,
    /// Unpacking the source.
    pub unpacking: u64,
    /// In cargo.
    pub compiling: u64,
    /// Packing what was built.
    pub packing: u64,
    /// Storing it.
    pub uploading: u64,
}

/// What a build found of earlier ones.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CacheUse {
    /// Whether there was a target directory to go on with.
    pub warm: bool,
    /// Units cargo found fresh.
    pub fresh: u64,
    /// Units cargo compiled.
    pub compiled: u64,
    /// Source files that had changed, appeared or gone since the last upload.
    pub changed_files: u64,
}

impl Times {
    /// All phases together, in milliseconds.
    pub fn total(&self) -> u64 {
        [self.waiting, self.restoring, self.unpacking, self.compiling, self.packing, self.uploading]
            .into_iter()
            .fold(0, u64::saturating_add)
    }
}

impl BuildResult {
    /// A result with nothing but its ending.
    pub fn new(id: BuildId, outcome: Outcome, last: u64) -> Self {
        Self {
            version: PROTOCOL_VERSION,
            // All crates of the workspace have one version.
            backend: Some(env!("CARGO_PKG_VERSION").to_owned()),
            id,
            outcome,
            exit_code: None,
            message: None,
            artifact: None,
            last,
            complete: true,
            attempts: 0,
            times: Times::default(),
            peak_memory: None,
            gb_seconds: None,
            cache: CacheUse::default(),
            summary: None,
        }
    }

    /// The same with a message.
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// What the client exits with: cargo's own code where there is one, 130 for a cancelled build, otherwise 101,
    /// which is what cargo says when it could not do its work. Success is 0 only if the outcome says so too.
    pub fn client_exit_code(&self) -> u8 {
        match (self.outcome, self.exit_code) {
            (Outcome::Succeeded, _) => 0,
            (Outcome::Cancelled, _) => 130,
            (Outcome::Failed, Some(code)) if code != 0 => u8::try_from(code).unwrap_or(101),
            _ => 101,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_cargos_own() {
        let result = |outcome, exit_code| {
            let mut result = BuildResult::new(BuildId::new(1, [0; 10]), outcome, 0);
            result.exit_code = exit_code;
            result.client_exit_code()
        };
        assert_eq!(result(Outcome::Succeeded, Some(0)), 0);
        assert_eq!(result(Outcome::Failed, Some(7)), 7);
        assert_eq!(result(Outcome::Failed, Some(0)), 101);
        assert_eq!(result(Outcome::Failed, Some(256)), 101);
        assert_eq!(result(Outcome::Cancelled, Some(0)), 130);
        assert_eq!(result(Outcome::Crashed, None), 101);
        assert_eq!(result(Outcome::Unknown, Some(0)), 101);
    }

    #[test]
    fn a_newer_outcome_and_missing_fields_are_read() {
        let json = format!(
            r#"{{"version":3,"id":"{}","outcome":"postponed","last":4,"complete":true,"cache":{{"new":1}}}}"#,
            BuildId::new(1, [0; 10])
        );
        let result: BuildResult = serde_json::from_str(&json).unwrap();
        assert_eq!((result.outcome, result.last, result.attempts), (Outcome::Unknown, 4, 0));
        assert_eq!((result.summary, result.times.total()), (None, 0));
    }

    #[test]
    fn what_was_asked_for_reads_back_also_when_the_command_is_newer() {
        let json = format!(
            r#"{{"version":1,"id":"{}","outcome":"succeeded","last":4,"complete":true,
                "asked":{{"command":"publish","project":"p-00","mood":"good"}}}}"#,
            BuildId::new(1, [0; 10])
        );
        let result: BuildResult = serde_json::from_str(&json).unwrap();
        let asked = result.summary.clone().unwrap();
        assert_eq!((asked.command.as_str(), asked.targets.len()), ("publish", 0));
        let again: BuildResult = serde_json::from_str(&serde_json::to_string(&result).unwrap()).unwrap();
        assert_eq!(again, result);
        // A result that doesn't say it is written as it always was.
        let plain = serde_json::to_value(BuildResult::new(BuildId::new(1, [0; 10]), Outcome::Failed, 0)).unwrap();
        assert!(plain.get("asked").is_none());
    }
}

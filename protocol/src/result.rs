//! How a build ended. `result.json` and the `finished` event have the same body.

use serde::{Deserialize, Serialize};

use crate::limits::PROTOCOL_VERSION;
use crate::{BuildId, BuildSummary};

/// The result of a build: the whole of `result.json`, and the data of the `finished` event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BuildResult {
    /// Version of the protocol. (Named `version`, because the `finished` event already has a field `v`.)
    pub version: u32,
    /// Version of the backend, shown to people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<String>,
    /// Id of the build that ended.
    pub id: BuildId,
    /// How the build ended, in one word.
    pub outcome: Outcome,
    /// Exit code of cargo, if cargo exited by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// What happened, why, and what to do next, for every ending that cargo's own output doesn't explain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The artifact, if there is anything to download.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<ArtifactInfo>,
    /// The highest event number of the build.
    pub last: u64,
    /// False if the builder died and the backend wrote the result for it: events may be missing at the end.
    pub complete: bool,
    /// Number of attempts that were started.
    #[serde(default)]
    pub attempts: u32,
    /// Time spent in each phase.
    #[serde(default)]
    pub times: Times,
    /// Peak memory of all processes of the build together, in bytes, where it was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_memory: Option<u64>,
    /// Cost of the build in gigabyte-seconds, where the backend counts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gb_seconds: Option<f64>,
    /// How much of an earlier build was reused.
    #[serde(default)]
    pub cache: CacheUse,
    /// What the build was asked to do, if the writer of the result knew it.
    #[serde(default, rename = "asked", skip_serializing_if = "Option::is_none")]
    pub summary: Option<BuildSummary>,
}

/// The kinds of ending of a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// Cargo exited with code 0.
    Succeeded,
    /// Cargo exited with another code than 0.
    Failed,
    /// The source was deleted or replaced, or the backend was stopped.
    Cancelled,
    /// The build used all its attempts, or an attempt made no progress.
    TimedOut,
    /// The builder died: it ran out of memory, was killed, or its disk was full.
    Crashed,
    /// The build never started: bad input, an unsupported target, or a spent budget.
    Refused,
    /// An ending that this version doesn't know.
    #[serde(other)]
    Unknown,
}

/// Size and digest of the artifact object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactInfo {
    /// Size of the object in bytes.
    pub size: u64,
    /// SHA-256 of the object, in lower-case hex.
    pub sha256: String,
}

/// Milliseconds that a build spent in each phase, summed over all attempts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Times {
    /// Waiting in the queue, and for other builds of the same project.
    pub waiting: u64,
    /// Fetching the target directory of an earlier build.
    pub restoring: u64,
    /// Unpacking the source archive into the project's folder.
    pub unpacking: u64,
    /// Running cargo, from its start to its exit.
    pub compiling: u64,
    /// Packing the artifact into an archive.
    pub packing: u64,
    /// Uploading the artifact to the output bucket.
    pub uploading: u64,
}

/// How much a build reused of earlier builds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CacheUse {
    /// Whether the build started from an earlier target directory.
    pub warm: bool,
    /// Units that cargo found up to date.
    pub fresh: u64,
    /// Units that cargo had to compile.
    pub compiled: u64,
    /// Source files that were changed, added or removed since the last upload.
    pub changed_files: u64,
}

impl Times {
    /// The sum of all phases, in milliseconds.
    pub fn total(&self) -> u64 {
        [self.waiting, self.restoring, self.unpacking, self.compiling, self.packing, self.uploading]
            .into_iter()
            .fold(0, u64::saturating_add)
    }
}

impl BuildResult {
    /// Creates a complete result that holds only its outcome and the highest event number `last`.
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

    /// Adds a message for the person who started the build.
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// The same result, marked as incomplete: its events may end before everything that cargo printed, because someone
    /// else than the builder writes it.
    pub fn incomplete(mut self) -> Self {
        self.complete = false;
        self
    }

    /// The exit code of the client: cargo's own code if there is one, 130 for a cancelled build, otherwise 101, which
    /// cargo uses for its own failures. It is 0 only if the outcome is a success.
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

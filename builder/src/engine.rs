//! The engine.

use protocol::{BuildResult, Capabilities, Outcome};
use thiserror::Error;

use crate::{Attempt, Ending, EngineConfig};

/// Why an engine can't be had.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The work folder can't be used.
    #[error("can't use the work folder {folder}: {source}")]
    Work {
        /// The folder.
        folder: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Runs builds on this machine.
pub struct Engine {
    config: EngineConfig,
    capabilities: Capabilities,
}

impl Engine {
    /// Looks at the machine.
    pub async fn new(config: EngineConfig) -> Result<Engine, EngineError> {
        let capabilities = Capabilities { host: String::new(), targets: Vec::new() };
        Ok(Engine { config, capabilities })
    }

    /// What this machine can build.
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Runs one attempt. Comes back with an ending whatever happens.
    pub async fn run(&self, attempt: Attempt) -> Ending {
        let log = attempt.output.join("log.jsonl");
        let _ = &self.config;
        let result = BuildResult::new(attempt.build, Outcome::Crashed, 0);
        Ending::Finished { result, artifact: None, log, unsaved: None }
    }
}

//! Settings that Terraform deploys the function with.

use std::env;
use std::path::PathBuf;

use anyhow::{Context, Result};
use common::usage::Budget;
use common::variable;

/// The work folder. It is in `/tmp`, the only folder that a function can write to. Its path never changes, because
/// cargo rebuilds everything whose path changed.
const WORK: &str = "/tmp/cargo-cloud";

/// Settings from the environment variables of the function.
#[derive(Debug, Clone)]
pub struct FunctionSettings {
    /// Name of the S3 bucket that sources are uploaded to.
    pub input_bucket: String,
    /// Name of the S3 bucket for results, artifacts and logs.
    pub output_bucket: String,
    /// Name of the S3 bucket that keeps projects between builds.
    pub cache_bucket: String,
    /// Name of the EventBridge bus that events go to.
    pub event_bus: String,
    /// The monthly budget, and the function's memory, which determines the cost of time.
    pub budget: Budget,
    /// The folder in which the engine builds.
    pub work: PathBuf,
    /// Path of a cargo configuration file for builds, part of the image.
    pub cargo_config: Option<PathBuf>,
}

impl FunctionSettings {
    /// Reads the environment variables. An error names the one that is missing or wrong.
    pub fn from_env() -> Result<Self> {
        let number = |name| -> Result<u64> {
            let text = variable(name)?;
            text.parse()
                .with_context(|| format!("the environment variable `{name}` is `{text}`, which is not a whole number"))
        };
        Ok(Self {
            input_bucket: variable("INPUT_BUCKET")?,
            output_bucket: variable("OUTPUT_BUCKET")?,
            cache_bucket: variable("CACHE_BUCKET")?,
            event_bus: variable("EVENT_BUS")?,
            budget: Budget {
                cap: number("MONTHLY_GB_SECONDS")?.saturating_mul(1000),
                memory_mb: number("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")?,
            },
            work: WORK.into(),
            cargo_config: env::var_os("BUILD_CARGO_CONFIG").filter(|path| !path.is_empty()).map(PathBuf::from),
        })
    }
}

//! Writes claims, artifacts, logs and results to the output bucket.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bytes::Bytes;
use common::NextAttempt;
use protocol::{BuildResult, keys};
use serde_json::json;
use tracing::{error, warn};

use crate::clock::InvocationClock;
use crate::compiler::Compiler;
use crate::storage::{Created, S3Error};

const JSON: &str = "application/json";
const JSON_LINES: &str = "application/jsonl";
const ZIP: &str = "application/zip";

/// The wait before storing the result is tried again.
const RESULT_WAIT: Duration = Duration::from_secs(1);

impl Compiler {
    /// Claims the attempt for this invocation. Returns false if another invocation has claimed it: S3 sometimes
    /// notifies twice.
    pub async fn claim(&self, order: &NextAttempt, clock: &InvocationClock, request: &str) -> Result<bool> {
        let key = keys::claim(&order.owner, &order.build, order.attempt);
        // The content differs from every other claim, so if the answer to this call is lost, the function recognizes
        // its own claim and the build isn't lost. The request id alone isn't enough: Lambda's queue delivers at least
        // once, and can deliver twice under one id (docs.aws.amazon.com/lambda, invocation-async).
        let mark = json!({"request": request, "nonce": format!("{:032x}", fastrand::u128(..))}).to_string();
        let created = self.output.create(&key, mark.into(), JSON, clock.last_call()).await?;
        Ok(created == Created::Ours)
    }

    /// Stores the artifact of a build. It is an error if a different artifact exists.
    pub async fn store_artifact(&self, order: &NextAttempt, file: &Path, until: Instant) -> Result<(), S3Error> {
        let key = keys::artifact(&order.owner, &order.build);
        match self.output.create_from_file(&key, file, ZIP, until).await? {
            Created::Ours => Ok(()),
            Created::Others => Err(S3Error::Exists(key)),
        }
    }

    /// Stores an attempt's log. The build can succeed without it.
    pub async fn store_log(&self, order: &NextAttempt, file: &Path, until: Instant) -> Result<(), S3Error> {
        let key = keys::log(&order.owner, &order.build, order.attempt);
        let stored = self.output.create_from_file(&key, file, JSON_LINES, until).await;
        match stored {
            Ok(Created::Ours) => Ok(()),
            Ok(Created::Others) => {
                warn!(key, "the object exists already and is left as it is");
                Ok(())
            }
            Err(why) => {
                error!(%why, "the log could not be stored");
                Err(why)
            }
        }
    }

    /// Stores the result. Returns false if the build has a result already. Tries as long as there is time: without the
    /// result nobody learns how the build ended.
    pub async fn store_result(
        &self,
        order: &NextAttempt,
        result: &BuildResult,
        clock: &InvocationClock,
    ) -> Result<bool> {
        let key = keys::result(&order.owner, &order.build);
        let body = Bytes::from(serde_json::to_vec(result).context("the result can't be encoded")?);
        let until = clock.result_deadline();
        loop {
            match self.output.create(&key, body.clone(), JSON, until).await {
                Ok(created) => return Ok(created == Created::Ours),
                Err(why) if !why.lasts() && Instant::now() + RESULT_WAIT < until => {
                    error!(%why, "the result could not be stored; trying again");
                    tokio::time::sleep(RESULT_WAIT).await;
                }
                Err(why) => return Err(why).context("the result could not be stored"),
            }
        }
    }
}

//! Lambda: the functions' real binaries, run as Lambda runs them.

mod image;
mod invocation;
mod live;
mod logs;
mod pool;
mod processes;
mod queue;
mod role;
mod runner;
mod runtime_api;
mod sandbox;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::mpsc;

pub use image::ImageVariable;
pub use invocation::{FAILURE_DETAIL_TYPE, FailedEvent, LAMBDA_SOURCE};
pub use runner::RunnerSettings;
pub use sandbox::check as check_sandboxes;

use super::account::EmulatedAccount;
use super::delivery::DeliverySettings;
use super::keys::KeyStore;
use super::power::Power;
use invocation::{FunctionInvocation, InvocationOutcome};
use live::LiveSandboxes;
use queue::AsyncQueue;
use runner::Runner;

/// The longest event in bytes that Lambda accepts (its quota for asynchronous invocations before 2026).
pub const MAX_EVENT_BYTES: usize = 256 * 1024;

/// How long all sandboxes may take to end.
const END_TIMEOUT: Duration = Duration::from_secs(10);

/// All functions of the account.
pub struct Functions {
    account: Arc<EmulatedAccount>,
    runner: Arc<Runner>,
    queue: Arc<AsyncQueue>,
}

/// What the functions need from the rest of the emulator.
pub struct FunctionHandles {
    /// The account that the functions belong to.
    pub account: Arc<EmulatedAccount>,
    /// Receives the session keys of the functions' roles.
    pub keys: Arc<KeyStore>,
    /// Nothing runs while the power is off.
    pub power: Arc<Power>,
    /// Whether asynchronous invocations are handed over twice.
    pub delivery: Arc<DeliverySettings>,
    /// The address where this emulator answers requests to AWS.
    pub endpoint: SocketAddr,
    /// Receives the records of failures that go to an event bus.
    pub failures: mpsc::UnboundedSender<FailedEvent>,
}

/// Why a function gave no answer.
#[derive(Debug, Clone, PartialEq)]
pub enum FunctionError {
    /// There is no function of this name.
    NotFound,
    /// The function, or its runtime, failed: the error that Lambda answers with instead.
    Function(Value),
}

impl Functions {
    /// The functions of an account, none of which is running yet.
    pub fn new(handles: FunctionHandles, settings: RunnerSettings) -> Self {
        let FunctionHandles { account, keys, power, delivery, endpoint, failures } = handles;
        let runner = Arc::new(Runner::new(account.clone(), keys, endpoint, settings));
        let queue = AsyncQueue { runner: runner.clone(), account: account.clone(), power, delivery, failures };
        Self { account, runner, queue: Arc::new(queue) }
    }

    /// Invokes a function and waits for its answer.
    pub async fn invoke(&self, function: &str, payload: Bytes) -> Result<Bytes, FunctionError> {
        let applied = self.account.applied();
        let config = applied.functions.get(function).ok_or(FunctionError::NotFound)?;
        let invocation = FunctionInvocation::new(payload);
        match self.runner.run(config, &invocation).await {
            InvocationOutcome::Answered(body) => Ok(body),
            other => Err(FunctionError::Function(other.error(&invocation.id).unwrap_or_default())),
        }
    }

    /// Adds an event to Lambda's queue for asynchronous invocations and returns at once.
    pub fn enqueue(&self, function: &str, payload: Bytes) {
        self.queue.add(function, payload);
    }

    /// The sandboxes that exist now.
    pub fn live(&self) -> &LiveSandboxes {
        &self.runner.live
    }

    /// Ends idle sandboxes and removes what failed ones have left, so that the next invocations are cold starts.
    pub async fn cool(&self) {
        for pool in self.runner.pools() {
            for sandbox in pool.take_idle() {
                sandbox.end().await;
                self.live().forget(sandbox.id());
            }
            for folder in pool.take_folders() {
                sandbox::remove(folder).await;
            }
        }
    }

    /// Ends all sandboxes and waits until they are gone.
    pub async fn end_all(&self) {
        let ended = async {
            while !self.live().is_empty() {
                self.cool().await;
                self.live().remove_all();
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            self.cool().await;
        };
        // A sandbox that doesn't end in time ends with this process.
        let _ = tokio::time::timeout(END_TIMEOUT, ended).await;
    }
}

//! A function's sandboxes: as many as run at once, kept for the next invocation.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::image::Image;
use super::logs::FunctionLog;
use super::sandbox::Sandbox;

/// The sandboxes of one function.
pub struct Pool {
    /// The content of the function's package.
    pub image: Image,
    /// The log of the function.
    pub log: Arc<FunctionLog>,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Sandbox>>,
    /// Folders of sandboxes whose function failed: Lambda starts it again in the same place, where /tmp is unchanged
    /// (docs.aws.amazon.com/lambda, runtime environment, failures during the invoke phase).
    left_over: Mutex<Vec<PathBuf>>,
}

impl Pool {
    /// An empty pool that runs at most `permits` invocations at once.
    pub fn new(image: Image, permits: usize, log: Arc<FunctionLog>) -> Self {
        let permits = Arc::new(Semaphore::new(permits.max(1)));
        Self { image, log, permits, idle: Mutex::default(), left_over: Mutex::default() }
    }

    /// Waits for the right to run one invocation: first come, first served.
    pub async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        self.permits.clone().acquire_owned().await.ok()
    }

    /// Takes an idle sandbox, if there is one. It may have ended in the meantime.
    pub fn take_one(&self) -> Option<Sandbox> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Returns a sandbox that is ready for the next invocation.
    pub fn put_back(&self, sandbox: Sandbox) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(sandbox);
    }

    /// Takes all sandboxes that are idle.
    pub fn take_idle(&self) -> Vec<Sandbox> {
        std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Keeps the folder of a sandbox that has ended, for the next start.
    pub fn keep_folder(&self, sandbox: &Sandbox) {
        self.left_over.lock().unwrap_or_else(PoisonError::into_inner).extend(sandbox.left_over());
    }

    /// Takes one folder that a sandbox has left.
    pub fn take_folder(&self) -> Option<PathBuf> {
        self.left_over.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Takes all folders that sandboxes have left.
    pub fn take_folders(&self) -> Vec<PathBuf> {
        std::mem::take(&mut *self.left_over.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

//! Lambda: the functions' real binaries, run as Lambda runs them.

mod config;
mod image;
mod invocation;
mod logs;
mod pool;
mod processes;
mod queue;
mod runtime_api;
mod sandbox;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use serde_json::{Value, json};

pub use config::FunctionConfig;
pub use sandbox::check as check_sandboxes;

use super::emulator::Emulator;
use image::Image;
use invocation::{Invocation, Outcome};
use logs::Log;
use pool::Pool;
use sandbox::Handle;

/// An event that is longer is refused (Lambda's quota for asynchronous invocations, before it was raised in 2026).
pub const MAX_EVENT_BYTES: usize = 256 * 1024;

/// Sandboxes need no longer than this to end.
const END_PATIENCE: Duration = Duration::from_secs(10);

/// How the functions are run in this scenario.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Invocations of container functions at once.
    pub jobs: usize,
    /// Invocations of each of the other functions at once.
    pub small_jobs: usize,
    /// The longest a container function may take, if its own time-out is longer.
    pub attempt_limit: Option<Duration>,
    /// The size of a container function's /tmp in bytes.
    pub tmp_size: Option<u64>,
    /// Variables of a function's image: function, name, value.
    pub image: Vec<(String, String, String)>,
    /// The functions' programs.
    pub programs: BTreeMap<String, PathBuf>,
    /// Where logs and sandboxes lie.
    pub folder: PathBuf,
}

/// All functions.
pub struct Functions {
    settings: Settings,
    pools: Mutex<HashMap<String, Arc<Pool>>>,
    live: Mutex<BTreeMap<u64, (String, Handle)>>,
    next: AtomicU64,
}

/// Why a function gave no answer.
#[derive(Debug, Clone, PartialEq)]
pub enum InvokeError {
    /// There is no function of this name.
    NotFound,
    /// It, or its runtime, failed: what Lambda answers in the place of it.
    Function(Value),
}

impl Functions {
    /// With none running.
    pub fn new(settings: Settings) -> Self {
        Self { settings, pools: Mutex::default(), live: Mutex::default(), next: AtomicU64::new(1) }
    }

    fn pool(&self, config: &FunctionConfig) -> Result<Arc<Pool>> {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pool) = pools.get(&config.name) {
            return Ok(pool.clone());
        }
        let program = self.settings.programs.get(&config.name);
        let program =
            program.with_context(|| format!("platform.json names no program for the function {}", config.name))?;
        let (image, permits) = if config.is_image {
            let of_this =
                self.settings.image.iter().filter(|(name, ..)| super::faults::is_function(name, &config.name));
            let variables: Vec<_> = of_this.map(|(_, name, value)| (name.clone(), value.clone())).collect();
            (Image::container(program, &variables), self.settings.jobs)
        } else {
            (Image::archive(program), self.settings.small_jobs)
        };
        let log = Arc::new(Log::open(&self.settings.folder.join("logs"), &config.name)?);
        let pool = Arc::new(Pool::new(image, permits, log));
        pools.insert(config.name.clone(), pool.clone());
        Ok(pool)
    }

    fn next_id(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    fn started(&self, id: u64, function: &str, handle: Handle) {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        live.insert(id, (function.to_owned(), handle));
    }

    fn ended(&self, id: u64) {
        self.live.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    /// Kills what runs in one sandbox.
    pub fn kill(&self, sandbox: u64) {
        if let Some((_, handle)) = self.live.lock().unwrap_or_else(PoisonError::into_inner).get(&sandbox) {
            handle.kill();
        }
    }

    /// Ends all of them, wherever they are.
    fn remove_all(&self) {
        for (_, handle) in self.live.lock().unwrap_or_else(PoisonError::into_inner).values() {
            handle.remove();
        }
    }

    /// Whether any is left.
    pub fn has_sandboxes(&self) -> bool {
        !self.live.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Ends the idle ones, and removes what failed ones have left: the next invocations are cold starts.
    pub async fn cool(&self) {
        let pools: Vec<_> = self.pools.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        for pool in pools {
            for sandbox in pool.take_idle() {
                sandbox.end().await;
                self.ended(sandbox.id());
            }
            for folder in pool.take_left() {
                sandbox::remove(folder).await;
            }
        }
    }

    /// Ends all of them and waits until they are gone.
    pub async fn end_all(&self) {
        let ended = async {
            while self.has_sandboxes() {
                self.cool().await;
                self.remove_all();
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            self.cool().await;
        };
        // What does not end now ends with this process.
        let _ = tokio::time::timeout(END_PATIENCE, ended).await;
    }

    /// The sandboxes there are.
    pub fn sandboxes(&self) -> Value {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        live.iter().map(|(id, (function, _))| json!({ "id": id, "function": function })).collect()
    }

    /// What runs in the sandboxes beyond the functions themselves.
    pub fn processes(&self) -> Value {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let processes = live.values().flat_map(|(function, handle)| {
            let of_sandbox = handle.namespace().beyond_bootstrap().into_iter();
            of_sandbox
                .map(move |process| json!({ "function": function, "pid": process.pid, "command": process.command }))
        });
        processes.collect()
    }
}

impl Emulator {
    /// Invokes a function and waits for its answer.
    pub async fn invoke(self: &Arc<Self>, function: &str, payload: Bytes) -> Result<Bytes, InvokeError> {
        let wiring = self.wiring();
        let config = wiring.functions.get(function).ok_or(InvokeError::NotFound)?;
        let invocation = Invocation::new(payload);
        let outcome = pool::run(self, config, &invocation).await;
        match outcome {
            Outcome::Answered(body) => Ok(body),
            other => Err(InvokeError::Function(other.error(&invocation.id).unwrap_or_default())),
        }
    }

    /// Invokes a function some time: Lambda's queue for asynchronous invocations.
    pub fn enqueue(self: &Arc<Self>, function: &str, payload: Bytes) {
        let invocation = Invocation::new(payload);
        let copies = if self.delivery.get().again { 2 } else { 1 };
        for _ in 0..copies {
            let (emulator, function, invocation) = (self.clone(), function.to_owned(), invocation.clone());
            tokio::spawn(async move { queue::work(&emulator, &function, invocation).await });
        }
    }
}

//! The sandboxes that exist now, so that any of them can be looked at and ended.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::sandbox::SandboxHandle;

/// All sandboxes by their numbers, with the name of the function that each belongs to.
pub struct LiveSandboxes {
    sandboxes: Mutex<BTreeMap<u64, (String, SandboxHandle)>>,
    next: AtomicU64,
}

impl Default for LiveSandboxes {
    fn default() -> Self {
        Self { sandboxes: Mutex::default(), next: AtomicU64::new(1) }
    }
}

impl LiveSandboxes {
    /// The number of the next sandbox.
    pub fn next_id(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Adds a sandbox that has started.
    pub fn add(&self, id: u64, function: &str, handle: SandboxHandle) {
        self.sandboxes().insert(id, (function.to_owned(), handle));
    }

    /// Forgets a sandbox that has ended.
    pub fn forget(&self, id: u64) {
        self.sandboxes().remove(&id);
    }

    /// Kills everything that runs in one sandbox.
    pub fn kill(&self, id: u64) {
        if let Some((_, handle)) = self.sandboxes().get(&id) {
            handle.kill();
        }
    }

    /// Ends every sandbox, whatever it is doing, and removes its files.
    pub fn remove_all(&self) {
        for (_, handle) in self.sandboxes().values() {
            handle.remove();
        }
    }

    /// Whether no sandbox is left.
    pub fn is_empty(&self) -> bool {
        self.sandboxes().is_empty()
    }

    /// The sandboxes for a scenario to read: `[{"id", "function"}]`.
    pub fn list(&self) -> Value {
        self.sandboxes().iter().map(|(id, (function, _))| json!({ "id": id, "function": function })).collect()
    }

    /// The processes in the sandboxes, without those of the functions themselves: `[{"function", "pid", "command"}]`.
    pub fn processes(&self) -> Value {
        let live = self.sandboxes().clone();
        let processes = live.values().flat_map(|(function, handle)| {
            let of_sandbox = handle.namespace().beyond_bootstrap().into_iter();
            of_sandbox
                .map(move |process| json!({ "function": function, "pid": process.pid, "command": process.command }))
        });
        processes.collect()
    }

    fn sandboxes(&self) -> MutexGuard<'_, BTreeMap<u64, (String, SandboxHandle)>> {
        self.sandboxes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

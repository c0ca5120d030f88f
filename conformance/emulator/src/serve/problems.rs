//! What must not happen in a scenario, and did: `serve` ends with an error when there is any.

use std::sync::{Mutex, PoisonError};

use tracing::error;

/// All of them, in order.
#[derive(Default)]
pub struct Problems(Mutex<Vec<String>>);

impl Problems {
    /// One more.
    pub fn add(&self, what: impl Into<String>) {
        let what = what.into();
        error!("{what}");
        let mut problems = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // One that comes with every event would bury the others.
        if !problems.contains(&what) {
            problems.push(what);
        }
    }

    /// What there is so far.
    pub fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

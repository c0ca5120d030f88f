//! Problems: what must not happen in a scenario. `serve` fails at its end when there was any.

use std::sync::{Mutex, PoisonError};

use tracing::error;

/// The problems of a scenario, in their order, each once.
#[derive(Default)]
pub struct Problems(Mutex<Vec<String>>);

impl Problems {
    /// Adds and logs a problem.
    pub fn add(&self, what: impl Into<String>) {
        let what = what.into();
        error!("{what}");
        let mut problems = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A problem that recurs with every event would hide the others.
        if !problems.contains(&what) {
            problems.push(what);
        }
    }

    /// All problems so far, in their order.
    pub fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

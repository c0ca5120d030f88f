//! How events and invocations are delivered: at least once, in any order, at any time. By default everything arrives
//! once and immediately; a scenario can ask for all the disorder that AWS allows.

use std::sync::{Mutex, PoisonError};

use serde::Deserialize;

/// The disorder that a scenario asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Disorder {
    /// The bus delivers events in another order than they were sent in.
    pub shuffle: bool,
    /// The bus delivers every event twice.
    pub duplicate: bool,
    /// How late the bus delivers every event, in milliseconds.
    pub late_ms: u64,
    /// Lambda's own queue, which every caller's events pass, hands over each invocation twice under one id.
    pub again: bool,
}

/// The disorder that is in force now, shared by the bus and Lambda's queue.
#[derive(Default)]
pub struct DeliverySettings(Mutex<Disorder>);

impl DeliverySettings {
    /// Delivers with this disorder from now on.
    pub fn set(&self, disorder: Disorder) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = disorder;
    }

    /// The disorder that is in force.
    pub fn get(&self) -> Disorder {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

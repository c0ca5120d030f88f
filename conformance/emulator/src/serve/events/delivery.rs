//! How the bus delivers: at least once, in any order, some time. By default at once; on request as badly as it may.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::serve::emulator::Emulator;

/// Events that are shuffled leave within this time of each other: more than EventBridge's usual scatter.
const SHUFFLE: Duration = Duration::from_millis(300);

/// How badly.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Disorder {
    /// In another order than sent.
    pub shuffle: bool,
    /// Twice.
    pub duplicate: bool,
    /// So late, in milliseconds.
    pub late_ms: u64,
    /// Lambda's own queue, behind the bus and every other caller, hands an invocation over twice, under one id.
    pub again: bool,
}

/// How it is just now.
#[derive(Default)]
pub struct Delivery(Mutex<Disorder>);

impl Delivery {
    /// From now on like this.
    pub fn set(&self, disorder: Disorder) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = disorder;
    }

    /// How it is.
    pub fn get(&self) -> Disorder {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hands an event to a function.
pub(super) fn deliver(emulator: &Arc<Emulator>, function: &str, event: &Value) {
    let disorder = emulator.delivery.get();
    let copies = if disorder.duplicate { 2 } else { 1 };
    for _ in 0..copies {
        let mut pause = Duration::from_millis(disorder.late_ms);
        if disorder.shuffle {
            pause += SHUFFLE.mul_f64(random_fraction());
        }
        let body = event.to_string();
        if pause.is_zero() {
            emulator.enqueue(function, body.into());
            continue;
        }
        let (emulator, function) = (emulator.clone(), function.to_owned());
        tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            emulator.enqueue(&function, body.into());
        });
    }
}

fn random_fraction() -> f64 {
    let mut bytes = [0; 2];
    // Without random numbers nothing is shuffled.
    let _ = getrandom::fill(&mut bytes);
    f64::from(u16::from_le_bytes(bytes)) / f64::from(u16::MAX)
}

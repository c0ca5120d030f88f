//! Ctrl-C and its kin. The first one is a wish, seen by whoever asks; the second one ends the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

/// What a process exits with after Ctrl-C: 128 + SIGINT.
pub const EXIT_CODE: u8 = 130;

/// Whether someone wants out.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    wanted: Arc<AtomicBool>,
    deadline: Option<Instant>,
}

impl Interrupt {
    /// Takes over Ctrl-C and `kill`. A lost terminal (SIGHUP) is outlived: the build goes on and is installed.
    pub fn install() -> anyhow::Result<Self> {
        let wanted = Arc::new(AtomicBool::new(false));
        for (signal, exit_code) in [(SIGINT, i32::from(EXIT_CODE)), (SIGTERM, 143)] {
            // In this order: the first signal finds the flag down and raises it, the second finds it up and exits.
            flag::register_conditional_shutdown(signal, exit_code, wanted.clone())
                .and_then(|_| flag::register(signal, wanted.clone()))
                .context("could not take over Ctrl-C")?;
        }
        flag::register(SIGHUP, Arc::default()).context("could not take over SIGHUP")?;
        Ok(Self { wanted, deadline: None })
    }

    /// The same, and raised by itself after this time.
    pub fn within(&self, time: Duration) -> Self {
        Self { wanted: self.wanted.clone(), deadline: Some(Instant::now() + time) }
    }

    /// Whether Ctrl-C was pressed, or the time is over.
    pub fn requested(&self) -> bool {
        self.wanted.load(Ordering::Relaxed) || self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

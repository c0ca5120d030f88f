//! Ctrl-C and other signals that end a program. The first one is a request that the program notices when it asks; the
//! second one ends the process at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

/// Exit code of a process after Ctrl-C: 128 + SIGINT.
pub const EXIT_CODE: u8 = 130;

/// Whether the user asked the program to stop, or its time is over.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    wanted: Arc<AtomicBool>,
    deadline: Option<Instant>,
}

impl Interrupt {
    /// Handles Ctrl-C and `kill`. A lost terminal (SIGHUP) is ignored, so that the build goes on and is installed.
    pub fn install() -> anyhow::Result<Self> {
        let wanted = Arc::new(AtomicBool::new(false));
        for (signal, exit_code) in [(SIGINT, i32::from(EXIT_CODE)), (SIGTERM, 143)] {
            // The order matters: the first signal finds the flag unset and sets it, the second finds it set and exits.
            flag::register_conditional_shutdown(signal, exit_code, wanted.clone())
                .and_then(|_| flag::register(signal, wanted.clone()))
                .context("could not handle Ctrl-C")?;
        }
        flag::register(SIGHUP, Arc::default()).context("could not ignore SIGHUP")?;
        Ok(Self { wanted, deadline: None })
    }

    /// The same request, which also counts as made when this time is over.
    pub fn within(&self, time: Duration) -> Self {
        Self { wanted: self.wanted.clone(), deadline: Some(Instant::now() + time) }
    }

    /// Whether Ctrl-C was pressed, or the time is over.
    pub fn requested(&self) -> bool {
        self.wanted.load(Ordering::Relaxed) || self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

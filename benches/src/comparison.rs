//! Compares the times of cargo and of the client, which do the same work in turns.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::quantile;

/// How often each kind of build is repeated.
#[derive(Debug, Clone, Copy)]
pub struct Rounds {
    /// Builds that compile a whole program, which can take minutes.
    pub clean: usize,
    /// Builds that compile little or nothing.
    pub warm: usize,
}

impl Rounds {
    /// The rounds that the medians in the README are taken from.
    pub const FULL: Self = Self { clean: 3, warm: 9 };
    /// Fewer rounds, for a rough comparison on a busy machine.
    pub const QUICK: Self = Self { clean: 1, warm: 3 };
}

/// The times of cargo and of the client for the same work.
#[derive(Default)]
pub struct TimePairs {
    /// Times of plain cargo on this machine.
    pub plain: Vec<Duration>,
    /// Times of `cargo cloud` with a backend on this machine.
    pub cloud: Vec<Duration>,
}

/// The medians of some [`TimePairs`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimeComparison {
    /// What was done, for example `one line changed`.
    pub work: String,
    /// Median time of plain cargo, in seconds.
    pub cargo_s: f64,
    /// Median time of `cargo cloud`, in seconds.
    pub cloud_s: f64,
    /// Number of times that the medians are taken from.
    pub rounds: usize,
}

impl TimePairs {
    /// Takes the medians and prints them.
    pub fn compare(mut self, work: &str) -> TimeComparison {
        let rounds = self.cloud.len();
        let cargo_s = quantile(&mut self.plain, 0.5).as_secs_f64();
        let cloud_s = quantile(&mut self.cloud, 0.5).as_secs_f64();
        let (ratio, more) = (cloud_s / cargo_s, cloud_s - cargo_s);
        println!(
            "  {work:<18} cargo {cargo_s:6.2} s, cargo cloud {cloud_s:6.2} s: {ratio:.3} x, {more:+.2} s ({rounds} rounds)"
        );
        TimeComparison { work: work.to_owned(), cargo_s, cloud_s, rounds }
    }
}

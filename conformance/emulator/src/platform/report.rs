//! The results of checks, and how long the steps took.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;

/// Counts the checks that passed and failed, and prints each.
#[derive(Debug, Default)]
pub struct PlatformReport {
    passed: usize,
    failed: usize,
}

impl PlatformReport {
    /// Prints a line for the person.
    pub fn say(&self, text: &str) {
        println!("platform: {text}");
    }

    /// Runs a step and prints how long it took.
    pub async fn time<T>(&self, what: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
        let began = Instant::now();
        let done = work.await;
        self.say(&format!("{what}: {:.1} s", began.elapsed().as_secs_f64()));
        done
    }

    /// Counts and prints a check that passed.
    pub fn passed(&mut self, what: &str) {
        self.passed += 1;
        self.say(&format!("{what} ... ok"));
    }

    /// Counts and prints a check, which passes if `wrong` is empty.
    pub fn check(&mut self, what: &str, wrong: Vec<String>) {
        if wrong.is_empty() {
            return self.passed(what);
        }
        self.failed += 1;
        self.say(&format!("{what} ... FAILED"));
        for line in wrong {
            self.say(&format!("  {line}"));
        }
    }

    /// Prints the totals and returns the exit code.
    pub fn close(self) -> ExitCode {
        println!("platform: {} passed, {} failed", self.passed, self.failed);
        if self.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

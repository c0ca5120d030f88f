//! What was found, and how long it took.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;

/// Checks that passed or failed, in the order in which they were made.
#[derive(Debug, Default)]
pub struct Report {
    passed: usize,
    failed: usize,
}

impl Report {
    /// A line for the person.
    pub fn say(&self, text: &str) {
        println!("platform: {text}");
    }

    /// Does something, and tells how long it took.
    pub async fn time<T>(&self, what: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
        let began = Instant::now();
        let done = work.await;
        self.say(&format!("{what}: {:.1} s", began.elapsed().as_secs_f64()));
        done
    }

    /// A check that passed.
    pub fn passed(&mut self, what: &str) {
        self.passed += 1;
        self.say(&format!("{what} ... ok"));
    }

    /// A check that passed if there is nothing wrong.
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

    /// The closing line, and the exit code.
    pub fn close(self) -> ExitCode {
        println!("platform: {} passed, {} failed", self.passed, self.failed);
        if self.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

//! What was found, a line for each check.

use serde_json::{Value, json};

use crate::terminal::Shell;

/// How one check went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckOutcome {
    /// As it should be; the details.
    Ok(String),
    /// Builds work all the same: what is wrong, and what to do.
    Warning(String, String),
    /// In the way of a build: what is wrong, and what to do.
    Failed(String, String),
    /// Not looked at; why.
    Skipped(String),
}

impl CheckOutcome {
    /// The same, for an error that was met.
    pub fn failed(why: impl std::fmt::Display, advice: impl Into<String>) -> Self {
        Self::Failed(why.to_string(), advice.into())
    }
}

/// All findings so far.
pub struct DoctorReport<'a> {
    shell: &'a Shell,
    json: bool,
    checks: Vec<Value>,
    failures: usize,
}

impl<'a> DoctorReport<'a> {
    /// An empty one. `json`: nothing is printed before the end.
    pub fn new(shell: &'a Shell, json: bool) -> Self {
        Self { shell, json, checks: Vec::new(), failures: 0 }
    }

    /// Says what is looked at now; it may take a while.
    pub fn looking(&self, check: &str) {
        if !self.json {
            self.shell.waiting("Checking", check);
        }
    }

    /// Adds a finding. True unless it is in the way of a build.
    pub fn add(&mut self, check: &str, finding: CheckOutcome) -> bool {
        let (status, word, color, text, advice) = match finding {
            CheckOutcome::Ok(text) => ("ok", "  ok", 92, text, None),
            CheckOutcome::Warning(text, advice) => ("warning", "warn", 93, text, Some(advice)),
            CheckOutcome::Failed(text, advice) => ("failed", "FAIL", 91, text, Some(advice)),
            CheckOutcome::Skipped(text) => ("skipped", "   -", 96, text, None),
        };
        let ok = status != "failed";
        self.failures += usize::from(!ok);
        if self.json {
            self.checks.push(json!({ "check": check, "status": status, "detail": text, "advice": advice }));
        } else {
            self.shell.clear();
            let advice = advice.map(|advice| format!("\n-> {advice}")).unwrap_or_default();
            self.shell.print_verdict(word, color, &format!("{check}: {text}{advice}"));
        }
        ok
    }

    /// Ends it; true if nothing is in the way of a build.
    pub fn end(self) -> bool {
        let ok = self.failures == 0;
        self.shell.clear();
        if self.json {
            let report = json!({ "ok": ok, "client": env!("CARGO_PKG_VERSION"), "checks": self.checks });
            self.shell.print(format_args!("{report:#}"));
        } else if ok {
            self.shell.print("Everything a build needs is there.");
        } else {
            self.shell.print(format_args!(
                "{} in the way of a build.",
                match self.failures {
                    1 => "One thing is".to_owned(),
                    count => format!("{count} things are"),
                }
            ));
        }
        ok
    }
}

//! The findings of the checks: a line for each, or one JSON object for all.

use protocol::limits::PROTOCOL_VERSION;
use serde_json::{Value, json};

use crate::device;
use crate::terminal::Shell;

/// How one check of the setup ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckOutcome {
    /// Nothing is wrong; the details.
    Ok(String),
    /// Builds work nevertheless: what is wrong, and what to do.
    Warning(String, String),
    /// Builds can't work: what is wrong, and what to do.
    Failed(String, String),
    /// The check was left out; the reason.
    Skipped(String),
}

impl CheckOutcome {
    /// A check that failed with this error; what to do about it.
    pub fn failed(why: impl std::fmt::Display, advice: impl Into<String>) -> Self {
        Self::Failed(why.to_string(), advice.into())
    }
}

/// The findings so far, printed as they come unless they are collected for JSON.
pub struct DoctorReport<'a> {
    shell: &'a Shell,
    json: bool,
    checks: Vec<Value>,
    failures: usize,
}

impl<'a> DoctorReport<'a> {
    /// A report without findings. With `json` nothing is printed before the end.
    pub fn new(shell: &'a Shell, json: bool) -> Self {
        Self { shell, json, checks: Vec::new(), failures: 0 }
    }

    /// Shows what is being checked, since it may take a while.
    pub fn looking(&self, check: &str) {
        if !self.json {
            self.shell.waiting("Checking", check);
        }
    }

    /// Adds a finding. False if builds can't work because of it.
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

    /// Prints the end of the report; true if builds work.
    pub fn end(self) -> bool {
        let ok = self.failures == 0;
        self.shell.clear();
        if self.json {
            let report = json!({
                "ok": ok,
                "client": env!("CARGO_PKG_VERSION"),
                "protocol": PROTOCOL_VERSION,
                "device": device::triple(),
                "checks": self.checks,
            });
            self.shell.print(format_args!("{report:#}"));
        } else if ok {
            self.shell.print("Everything that a build needs is in place.");
        } else {
            let problems = match self.failures {
                1 => "1 problem prevents".to_owned(),
                count => format!("{count} problems prevent"),
            };
            self.shell.print(format_args!("{problems} a build."));
        }
        ok
    }
}

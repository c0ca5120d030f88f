//! Reads the `REPORT` lines that Lambda writes to a function's log after each invocation.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use conformance::ScenarioBackend;

/// Time and memory of one invocation.
pub struct InvocationReport {
    /// Time from the event to the function's answer.
    pub time: Duration,
    /// Time from the start of the process to its first poll, if this invocation had to wait for that.
    pub init: Option<Duration>,
    /// Memory that the function is configured with, in MB.
    pub memory: u64,
    /// Highest memory of the function's process so far, in MB.
    pub peak: u64,
}

/// Names of the functions, without the deployment's prefix.
pub const FUNCTIONS: [&str; 4] = ["compile", "connect", "disconnect", "relay"];

/// Reads the report of every invocation of a function so far.
pub fn of(backend: &ScenarioBackend, function: &str) -> Result<Vec<InvocationReport>> {
    let path = backend.folder().join(format!("logs/cargo-cloud-{function}.log"));
    let text = fs::read(&path).with_context(|| format!("{} can't be read", path.display()))?;
    String::from_utf8_lossy(&text).lines().filter(|line| line.starts_with("REPORT ")).map(parse).collect()
}

fn parse(line: &str) -> Result<InvocationReport> {
    let field = |name: &str| {
        let of =
            |field: &str| field.trim().strip_prefix(name).and_then(|rest| rest.split_whitespace().next()?.parse().ok());
        line.split('\t').find_map(of)
    };
    let ms = |ms: f64| Duration::from_secs_f64(ms / 1e3);
    let number = |name: &str| field(name).with_context(|| format!("no `{name}` in {line}"));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole megabytes")]
    Ok(InvocationReport {
        time: ms(number("Duration: ")?),
        init: field("Init Duration: ").map(ms),
        memory: number("Memory Size: ")? as u64,
        peak: number("Max Memory Used: ")? as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_line_is_parsed() {
        let line = "REPORT RequestId: 8f5\tDuration: 12.50 ms\tMemory Size: 128 MB\tMax Memory Used: 9 MB\tInit Duration: 7.00 ms";
        let report = parse(line).unwrap();
        assert_eq!((report.time, report.init), (Duration::from_micros(12_500), Some(Duration::from_millis(7))));
        assert_eq!((report.memory, report.peak), (128, 9));
        assert!(parse("REPORT RequestId: 8f5").is_err());
    }
}

//! The check of permissions after all scenarios: the functions and devices had every grant that they needed, and no
//! grant that they never used.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::report::PlatformReport;
use crate::serve::iam::{Grants, Reason};

/// One call as `serve` has recorded it.
#[derive(Deserialize)]
struct RecordedCall {
    principal: String,
    action: String,
    resource: String,
    allowed: bool,
    expected: bool,
    by: Option<Reason>,
}

/// Reads what `serve` has recorded in `dir`. With `whole`, grants that no call has used are failures.
pub fn check(dir: &Path, whole: bool, report: &mut PlatformReport) -> Result<()> {
    let path = dir.join("grants.json");
    if !path.exists() {
        report.check("the platform was used", vec!["no scenario has started it".to_owned()]);
        return Ok(());
    }
    let grants = std::fs::read(&path).with_context(|| format!("{} can't be read", path.display()))?;
    let mut unused: Grants = serde_json::from_slice(&grants).context("the grants can't be read as JSON")?;
    let mut refused = BTreeSet::new();
    let mut count = 0_usize;
    for entry in std::fs::read_dir(dir.join("calls")).context("no recorded calls")? {
        let path = entry.context("no recorded calls")?.path();
        let text = std::fs::read_to_string(&path).with_context(|| format!("{} can't be read", path.display()))?;
        for line in text.lines() {
            let call: RecordedCall =
                serde_json::from_str(line).with_context(|| format!("this line is not a recorded call: {line}"))?;
            count += 1;
            match call.by {
                Some(reason) if call.allowed => unused.used(&reason),
                _ if !call.allowed && !call.expected => {
                    refused.insert(format!("{} {} {}", call.principal, call.action, call.resource));
                }
                _ => {}
            }
        }
    }
    report.say(&format!("{count} calls were checked against the policies"));
    report.check("every call of a function was granted", refused.into_iter().collect());
    if whole {
        let left = unused.actions.iter().chain(&unused.resources);
        let left = left.map(|grant| format!("{} {}: {}", grant.policy, grant.statement, grant.pattern));
        report.check("every grant was used", left.collect());
    }
    Ok(())
}

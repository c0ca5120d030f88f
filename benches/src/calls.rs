//! Counts the calls that one build makes to AWS and computes what they cost.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use conformance::{BackendKind, ScenarioBackend};
use serde_json::Value;

use crate::builds::{client, copy, unpacked};
use crate::reports::{self, FUNCTIONS};

/// Prices in dollars in us-east-1, without any free tier. docs/costs.md names their sources.
mod price {
    pub const LAMBDA_REQUEST: f64 = 0.20e-6;
    pub const LAMBDA_GB_SECOND: f64 = 0.000_016_666_7;
    pub const BUS_EVENT: f64 = 1.0e-6;
    pub const SOCKET_MESSAGE: f64 = 1.0e-6;
    pub const SOCKET_MINUTE: f64 = 0.25e-6;
    pub const S3_PUT: f64 = 0.005e-3;
    pub const S3_GET: f64 = 0.000_4e-3;
    pub const LOG_BYTE: f64 = 0.50 / (1024.0 * 1024.0 * 1024.0);
}

/// Builds a program clean, then with one line changed, and prints the calls and prices of both.
pub fn measure(program: &str, profile: &str) -> Result<()> {
    let backend = ScenarioBackend::start();
    ensure!(
        matches!(backend.kind(), BackendKind::Platform(_)),
        "there is no platform. Run `aws-emulator platform --dir DIR --lambdas FOLDER -- figures calls CRATE PROFILE`"
    );
    let folder = tempfile::tempdir()?;
    let source = match Path::new(program) {
        path if path.is_dir() => path.to_owned(),
        _ => unpacked(program, folder.path())?,
    };
    let root = copy(&source, folder.path(), "project")?;
    let before = CallCount::now(&backend)?;
    let (time, said) = client(&root, &backend, profile)?;
    let units = said.lines().filter(|line| line.trim_start().starts_with("Compiling")).count();
    let clean = CallCount::settled(&backend)?;
    println!("{program}, profile {profile}, clean, {units} crates compiled, {:.0} s:", time.as_secs_f64());
    clean.minus(&before).print(time);

    let main = root.join("src/main.rs");
    let text = fs::read_to_string(&main).with_context(|| format!("{} can't be read", main.display()))?;
    fs::write(&main, text + "// changed\n")?;
    let (time, _) = client(&root, &backend, profile)?;
    println!("the same with one line changed, {:.0} s:", time.as_secs_f64());
    CallCount::settled(&backend)?.minus(&clean).print(time);
    Ok(())
}

/// Invocations, memory and time of one function.
#[derive(Clone, Copy, Default, PartialEq)]
struct FunctionUsage {
    invocations: u64,
    /// Configured memory times billed time, in gigabyte-milliseconds.
    gb_ms: u64,
}

/// The calls and the functions' time up to some moment, or between two.
#[derive(Clone, Default, PartialEq)]
struct CallCount {
    /// Number of calls by IAM action, for example `s3:GetObject`.
    calls: BTreeMap<String, u64>,
    /// Usage by function name, without the prefix.
    functions: BTreeMap<&'static str, FunctionUsage>,
    /// Size of the functions' logs.
    log_bytes: u64,
}

impl CallCount {
    fn now(backend: &ScenarioBackend) -> Result<Self> {
        let mut counted = Self::default();
        let calls = backend.control().get("calls");
        for call in calls.as_array().context("a list of calls")? {
            let action = call.get("action").and_then(Value::as_str).context("a call has an action")?;
            *counted.calls.entry(action.to_owned()).or_default() += 1;
        }
        for function in FUNCTIONS {
            let log = backend.folder().join(format!("logs/cargo-cloud-{function}.log"));
            let Ok(log) = fs::metadata(log) else { continue };
            counted.log_bytes += log.len();
            for report in reports::of(backend, function)? {
                // Lambda bills whole milliseconds, and since 2025-08 the start of every function.
                let billed = report.time + report.init.unwrap_or_default();
                let ms = u64::try_from(billed.as_micros().div_ceil(1000))?;
                let usage = counted.functions.entry(function).or_default();
                usage.invocations += 1;
                usage.gb_ms += report.memory * ms / 1024;
            }
        }
        Ok(counted)
    }

    /// Waits until no call has come for five seconds: the cache is saved after the client has its result.
    fn settled(backend: &ScenarioBackend) -> Result<Self> {
        let mut last = Self::now(backend)?;
        loop {
            std::thread::sleep(Duration::from_secs(5));
            let now = Self::now(backend)?;
            if now == last && backend.control().get("processes").as_array().is_some_and(Vec::is_empty) {
                return Ok(now);
            }
            last = now;
        }
    }

    fn minus(&self, before: &Self) -> Self {
        let mut rest = self.clone();
        for (action, count) in &mut rest.calls {
            *count -= before.calls.get(action).copied().unwrap_or_default();
        }
        for (function, usage) in &mut rest.functions {
            let earlier = before.functions.get(function).copied().unwrap_or_default();
            usage.invocations -= earlier.invocations;
            usage.gb_ms -= earlier.gb_ms;
        }
        rest.log_bytes -= before.log_bytes;
        rest
    }

    fn of(&self, actions: &[&str]) -> u64 {
        actions.iter().filter_map(|action| self.calls.get(*action)).sum()
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of one build")]
    fn print(&self, time: Duration) {
        let mut total = 0.0;
        let mut line = |what: &str, count: f64, unit: &str, price: f64| {
            total += count * price;
            println!("  {what:<34} {count:>9.0} {unit:<14} ${:.6}", count * price);
        };
        for (function, usage) in &self.functions {
            line(&format!("{function}: invocations"), usage.invocations as f64, "", price::LAMBDA_REQUEST);
            line(&format!("{function}: memory and time"), usage.gb_ms as f64 / 1e3, "GB-s", price::LAMBDA_GB_SECOND);
        }
        let events = self.of(&["events:PutEvents"]);
        line("EventBridge: events", events as f64, "of 64 KB", price::BUS_EVENT);
        let relayed = self.functions.get("relay").map_or(0, |usage| usage.invocations);
        let posted = self.of(&["execute-api:ManageConnections"]);
        // The relay is also invoked for each message that a follower sends.
        let messages = posted + relayed.saturating_sub(events);
        line("API Gateway: messages", messages as f64, "of 32 KB", price::SOCKET_MESSAGE);
        line("API Gateway: connection", (time.as_secs_f64() / 60.0).ceil(), "minutes", price::SOCKET_MINUTE);
        line("S3: PUT, LIST", self.of(&["s3:PutObject", "s3:ListBucket"]) as f64, "", price::S3_PUT);
        line("S3: GET, HEAD", self.of(&["s3:GetObject"]) as f64, "", price::S3_GET);
        let writes = ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"];
        line("DynamoDB: writes", self.of(&writes) as f64, "(25/s free)", 0.0);
        line("DynamoDB: reads", self.of(&["dynamodb:GetItem", "dynamodb:Query"]) as f64, "(25/s free)", 0.0);
        line("CloudWatch: logs", self.log_bytes as f64, "bytes", price::LOG_BYTE);
        println!("  {:<34} {:>24} ${total:.6}", "in all, without any free tier", "");
    }
}

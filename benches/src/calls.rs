//! What one build asks of AWS, counted, and what that costs.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use conformance::{Backend, Kind};
use serde_json::Value;

use crate::builds::{client, copy, unpacked};
use crate::reports::{self, FUNCTIONS};

/// Prices in dollars, of us-east-1, without any free tier: docs/costs.md names their sources.
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

/// Builds a program in a profile, first clean, then with one line changed, and prints what was counted.
pub fn measure(program: &str, profile: &str) -> Result<()> {
    let backend = Backend::start();
    ensure!(
        matches!(backend.kind(), Kind::Platform(_)),
        "there is no platform: run this by `aws-emulator platform --dir DIR --lambdas FOLDER -- figures calls CRATE PROFILE`"
    );
    let folder = tempfile::tempdir()?;
    let source = match Path::new(program) {
        path if path.is_dir() => path.to_owned(),
        _ => unpacked(program, folder.path())?,
    };
    let root = copy(&source, folder.path(), "project")?;
    let before = Counted::now(&backend)?;
    let (time, said) = client(&root, &backend, profile)?;
    let units = said.lines().filter(|line| line.trim_start().starts_with("Compiling")).count();
    let clean = Counted::settled(&backend)?;
    println!("{program}, profile {profile}, clean, {units} crates compiled, {:.0} s:", time.as_secs_f64());
    clean.minus(&before).print(time);

    let main = root.join("src/main.rs");
    let text = fs::read_to_string(&main).with_context(|| format!("{} can't be read", main.display()))?;
    fs::write(&main, text + "// changed\n")?;
    let (time, _) = client(&root, &backend, profile)?;
    println!("the same with one line changed, {:.0} s:", time.as_secs_f64());
    Counted::settled(&backend)?.minus(&clean).print(time);
    Ok(())
}

/// How often each action was called, and what the functions took.
#[derive(Clone, Default, PartialEq)]
struct Counted {
    /// By action.
    calls: BTreeMap<String, u64>,
    /// By function: invocations, and gigabyte-milliseconds.
    functions: BTreeMap<&'static str, (u64, u64)>,
    log_bytes: u64,
}

impl Counted {
    fn now(backend: &Backend) -> Result<Self> {
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
                let (invocations, gb_ms) = counted.functions.entry(function).or_default();
                *invocations += 1;
                *gb_ms += report.memory * ms / 1024;
            }
        }
        Ok(counted)
    }

    /// Once nothing has come for some seconds: the cache is saved after the build has ended for its client.
    fn settled(backend: &Backend) -> Result<Self> {
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
        for (function, (invocations, gb_ms)) in &mut rest.functions {
            let (earlier, earlier_gb_ms) = before.functions.get(function).copied().unwrap_or_default();
            *invocations -= earlier;
            *gb_ms -= earlier_gb_ms;
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
        for (function, (invocations, gb_ms)) in &self.functions {
            line(&format!("{function}: invocations"), *invocations as f64, "", price::LAMBDA_REQUEST);
            line(&format!("{function}: memory and time"), *gb_ms as f64 / 1e3, "GB-s", price::LAMBDA_GB_SECOND);
        }
        let events = self.of(&["events:PutEvents"]);
        line("EventBridge: events", events as f64, "of 64 KB", price::BUS_EVENT);
        let relayed = self.functions.get("relay").map_or(0, |(invocations, _)| *invocations);
        let posted = self.of(&["execute-api:ManageConnections"]);
        // What woke the relay and was no event was a follower's own message.
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

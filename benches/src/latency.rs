//! Measures the delay of output: from the moment a build script prints a line to the moment the client has printed it.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};
use conformance::{ScenarioBackend, ScenarioProject, client_binary};

use crate::figures::LatencyFigures;
use crate::quantile;

/// Runs a build script that prints 1,000 lines with the time of each. `-vv` makes cargo pass them on at once.
pub fn measure() -> Result<LatencyFigures> {
    let backend = ScenarioBackend::start();
    let project = ScenarioProject::hello("stamps", "x").file(
        "build.rs",
        "use std::time::*;\nfn main() {\n    for _ in 0..1000 {\n        \
         println!(\"stamp {}\", SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos());\n        \
         std::thread::sleep(Duration::from_millis(7));\n    }\n}\n",
    );
    let mut child = Command::new(client_binary())
        .args(["build", "--no-install", "-vv"])
        .current_dir(project.root())
        .env("CARGO_CLOUD_CONFIG", backend.config("me"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let stderr = BufReader::new(child.stderr.take().context("piped")?);
    let stdout = BufReader::new(child.stdout.take().context("piped")?);
    let other = std::thread::spawn(move || collect(stdout));
    let mut delays = collect(stderr);
    delays.extend(other.join().unwrap_or_default());
    ensure!(child.wait()?.success(), "the build failed");
    ensure!(delays.len() == 1000, "{} of 1000 lines arrived", delays.len());
    let (median, p99) = (quantile(&mut delays, 0.5), quantile(&mut delays, 0.99));
    println!("from cargo's line to the client's, 1,000 lines: median {median:.1?}, p99 {p99:.1?}");
    Ok(LatencyFigures { median_ms: median.as_secs_f64() * 1e3, p99_ms: p99.as_secs_f64() * 1e3 })
}

fn collect(lines: impl BufRead) -> Vec<Duration> {
    let mut delays = Vec::new();
    for line in lines.lines().map_while(Result::ok) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let stamp = line.split_once("stamp ").and_then(|(_, stamp)| stamp.trim().parse().ok());
        if let Some(stamp) = stamp.map(Duration::from_nanos) {
            delays.push(now.saturating_sub(stamp));
        }
    }
    delays
}

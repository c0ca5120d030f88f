//! The platform's functions: how large, how quick to start, what they take for an event.

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use conformance::{Backend, Control, Kind, Project, client_binary};
use serde_json::Value;
use zip::write::SimpleFileOptions;

use crate::quantile;
use crate::reports::{self, FUNCTIONS, Report};

/// Builds, each with functions that have to start first.
const ROUNDS: usize = 20;

/// Measures and prints.
pub fn measure() -> Result<()> {
    let backend = Backend::start();
    let Kind::Platform(platform) = backend.kind() else {
        bail!("there is no platform: run this by `aws-emulator platform --dir DIR --lambdas FOLDER -- figures lambdas`")
    };
    let zips = zips(platform)?;
    let project = Project::hello("hello", "x");
    for _ in 0..ROUNDS {
        end_idle(&backend.control())?;
        let status = Command::new(client_binary())
            .args(["build", "--no-install", "--quiet"])
            .current_dir(project.root())
            .env("CARGO_CLOUD_CONFIG", backend.config("me"))
            .stdin(Stdio::null())
            .status()?;
        ensure!(status.success(), "a build failed");
    }
    println!("functions, medians of {ROUNDS} builds with cold functions:");
    for (function, zip) in FUNCTIONS.iter().zip(zips) {
        let reports = reports::of(&backend, function)?;
        let median = |times: Vec<Duration>| quantile(&mut times.clone(), 0.5);
        let starts = median(reports.iter().filter_map(|report| report.init).collect());
        let cold = median(reports.iter().filter(|report| report.init.is_some()).map(|report| report.time).collect());
        let warm: Vec<Duration> =
            reports.iter().filter(|report| report.init.is_none()).map(|report| report.time).collect();
        let peak = reports.iter().map(|report: &Report| report.peak).max().unwrap_or_default();
        println!(
            "  {function:<10} zip {zip:>6} KiB, start to first poll {starts:6.1?}, first event {cold:6.1?}, later ones \
             {:6.1?} ({}), at most {peak} MB resident",
            median(warm.clone()),
            warm.len()
        );
    }
    Ok(())
}

/// The sizes of the functions' programs as zips, in KiB.
fn zips(platform: &Path) -> Result<Vec<usize>> {
    let description: Value = serde_json::from_slice(&fs::read(platform.join("platform.json"))?)?;
    let size = |function: &str| {
        let name = format!("cargo-cloud-{function}");
        let program = description["functions"][&name].as_str().with_context(|| format!("no program of {name}"))?;
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file("bootstrap", SimpleFileOptions::default())?;
        zip.write_all(&fs::read(program)?)?;
        Ok(zip.finish()?.into_inner().len() / 1024)
    };
    FUNCTIONS.iter().map(|function| size(function)).collect()
}

/// Ends all sandboxes, once the last events are through.
fn end_idle(control: &Control) -> Result<()> {
    let began = Instant::now();
    loop {
        control.cold();
        if control.get("sandboxes").as_array().is_some_and(Vec::is_empty) {
            return Ok(());
        }
        ensure!(began.elapsed() < Duration::from_secs(30), "a function does not come to rest");
        std::thread::sleep(Duration::from_millis(100));
    }
}

//! Measures the platform's functions: their size, their start-up time, and the time and memory they need for an event.

use std::fs;
use std::io::{Cursor, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use conformance::{BackendKind, Control, ScenarioBackend, ScenarioProject, client_binary};
use serde_json::Value;
use zip::write::SimpleFileOptions;

use crate::quantile;
use crate::reports::{self, FUNCTIONS, InvocationReport};

/// Number of builds, each of which has to start the functions first.
const ROUNDS: usize = 20;

/// Variables that the functions need to start. They call none of these addresses before their first event.
const ENVIRONMENT: [(&str, &str); 18] = [
    ("AWS_LAMBDA_FUNCTION_NAME", "function"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "10240"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
    ("AWS_REGION", "us-east-1"),
    ("AWS_ACCESS_KEY_ID", "none"),
    ("AWS_SECRET_ACCESS_KEY", "none"),
    ("AWS_SESSION_TOKEN", "none"),
    ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
    ("INPUT_BUCKET", "input"),
    ("OUTPUT_BUCKET", "output"),
    ("CACHE_BUCKET", "cache"),
    ("EVENT_BUS", "bus"),
    ("TABLE", "table"),
    ("MONTHLY_GB_SECONDS", "400000"),
    ("COMPILE_FUNCTION", "compile"),
    ("SOCKET_ENDPOINT", "http://127.0.0.1:9"),
    ("USER_PATH", "/cargo-cloud/"),
    ("HOME", "/tmp"),
];

/// Starts each function alone, then runs builds with stopped functions, and prints the medians.
pub fn measure() -> Result<()> {
    let backend = ScenarioBackend::start();
    let BackendKind::Platform(platform) = backend.kind() else {
        bail!("there is no platform. Run `aws-emulator platform --dir DIR --lambdas FOLDER -- figures lambdas`")
    };
    let programs = programs(platform)?;
    let project = ScenarioProject::hello("hello", "x");
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
    println!("functions, medians of {ROUNDS} starts alone, and of {ROUNDS} builds with cold functions:");
    for (function, program) in FUNCTIONS.iter().zip(programs) {
        let reports = reports::of(&backend, function)?;
        let median = |times: Vec<Duration>| quantile(&mut times.clone(), 0.5);
        let starts = (0..ROUNDS).map(|_| start(&program)).collect::<Result<_>>()?;
        let cold = median(reports.iter().filter(|report| report.init.is_some()).map(|report| report.time).collect());
        let warm: Vec<Duration> =
            reports.iter().filter(|report| report.init.is_none()).map(|report| report.time).collect();
        let peak = reports.iter().map(|report: &InvocationReport| report.peak).max().unwrap_or_default();
        print!(
            "  {function:<10} zip {:>6} KiB, start to first poll {:.1?}, first event {cold:.1?}",
            zipped(&program)?,
            median(starts)
        );
        if !warm.is_empty() {
            print!(", {} later ones {:.1?}", warm.len(), median(warm));
        }
        println!(", at most {peak} MB resident");
    }
    Ok(())
}

/// The binaries of the functions, in the order of [`FUNCTIONS`].
fn programs(platform: &Path) -> Result<Vec<PathBuf>> {
    let description: Value = serde_json::from_slice(&fs::read(platform.join("platform.json"))?)?;
    let program = |function: &&str| {
        let name = format!("cargo-cloud-{function}");
        Ok(description["functions"][&name].as_str().with_context(|| format!("no program of {name}"))?.into())
    };
    FUNCTIONS.iter().map(program).collect()
}

/// Size of a program packed as a zip, in KiB.
fn zipped(program: &Path) -> Result<usize> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("bootstrap", SimpleFileOptions::default())?;
    zip.write_all(&fs::read(program)?)?;
    Ok(zip.finish()?.into_inner().len() / 1024)
}

/// Time from the start of a program to its first connection to the Runtime API, without a sandbox.
fn start(program: &Path) -> Result<Duration> {
    let runtime = TcpListener::bind("127.0.0.1:0")?;
    runtime.set_nonblocking(true)?;
    let began = Instant::now();
    let mut child = Command::new(program)
        .env_clear()
        .envs(ENVIRONMENT)
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("AWS_LAMBDA_RUNTIME_API", runtime.local_addr()?.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let time = loop {
        if runtime.accept().is_ok() {
            break Ok(began.elapsed());
        }
        if child.try_wait()?.is_some() || began.elapsed() > Duration::from_secs(20) {
            break Err(anyhow!("{} does not ask for its first event", program.display()));
        }
        std::thread::sleep(Duration::from_micros(100));
    };
    child.kill()?;
    child.wait()?;
    time
}

/// Stops all sandboxes when the last events have been handled.
fn end_idle(control: &Control) -> Result<()> {
    let began = Instant::now();
    loop {
        control.cold();
        if control.get("sandboxes").as_array().is_some_and(Vec::is_empty) {
            return Ok(());
        }
        ensure!(began.elapsed() < Duration::from_secs(30), "a function is still busy after 30 seconds");
        std::thread::sleep(Duration::from_millis(100));
    }
}

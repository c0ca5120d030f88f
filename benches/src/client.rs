//! Measures the client itself: its size, its number of crates, its start-up time, and its memory while it sends 300 MB.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::{Context, Result, ensure};
use conformance::{ScenarioBackend, ScenarioProject, client_binary, program};

use crate::figures::ClientFigures;
use crate::quantile;

/// Measures the binary that `CONFORMANCE_CLIENT` names.
pub fn measure() -> Result<ClientFigures> {
    let binary = client_binary();
    let (kib, crates) = (fs::metadata(&binary)?.len() / 1024, crates()?);
    println!("client: {kib} KiB, {crates} crates");

    let mut starts = Vec::new();
    for _ in 0..50 {
        let began = Instant::now();
        Command::new(&binary).arg("--version").stdout(Stdio::null()).status()?;
        starts.push(began.elapsed());
    }
    let start = quantile(&mut starts, 0.5);
    println!("start-up (`--version`, median of 50): {start:.1?}");

    let backend = ScenarioBackend::start();
    let project = large()?;
    // The backend refuses this target when the source has arrived, so the client only sends. Without the list of
    // targets in its configuration the client doesn't know that beforehand.
    let config = fs::read_to_string(backend.config("me"))?;
    let config: String =
        config.lines().filter(|line| !line.starts_with("targets")).map(|l| l.to_owned() + "\n").collect();
    let unknowing = project.outside().join("config.toml");
    fs::write(&unknowing, config)?;
    let mut child = Command::new(&binary)
        .args(["build", "--no-install", "--target", "nowhere-at-all"])
        .current_dir(project.root())
        .env("CARGO_CLOUD_CONFIG", &unknowing)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let began = Instant::now();
    let (mut peak, mut time) = (0, Duration::ZERO);
    while child.try_wait()?.is_none() {
        if let Some(now) = peak_kib(child.id()) {
            (peak, time) = (now, began.elapsed());
        }
        thread::sleep(Duration::from_millis(5));
    }
    let said = std::io::read_to_string(child.stderr.take().context("piped")?)?;
    ensure!(said.contains("nowhere-at-all"), "the backend did not refuse the target:\n{said}");
    let upload_mib = f64::from(peak) / 1024.0;
    println!("packing and sending 300 MB in 2,900 files: peak {upload_mib:.1} MiB, {time:.1?}");
    Ok(ClientFigures { kib, crates, start_ms: start.as_secs_f64() * 1e3, upload_mib })
}

fn crates() -> Result<usize> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--quiet", "-p", "cargo-cloud", "-e", "normal", "--prefix", "none", "--no-dedupe"])
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let mut names: Vec<&str> =
        text.lines().map(|line| line.trim_end_matches(" (*)")).filter(|l| !l.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    Ok(names.len())
}

/// Highest resident memory of a process so far, in KiB (`VmHWM`).
fn peak_kib(pid: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

/// A project with 300 MB of hexadecimal digits, which compress to about half, in 2,900 small and large files.
fn large() -> Result<ScenarioProject> {
    let project = ScenarioProject::new().file("Cargo.toml", program("large")).file("src/main.rs", "fn main() {}\n");
    let mut state = 1u64;
    for n in 0..2_900u32 {
        let size = if n % 100 == 0 { 8 << 20 } else { 24 << 10 };
        let folder = project.path(&format!("data/{}", n % 50));
        fs::create_dir_all(&folder)?;
        let mut file = std::io::BufWriter::new(fs::File::create(folder.join(n.to_string()))?);
        for _ in 0..size / 16 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            write!(file, "{:016x}", state >> 20)?;
        }
    }
    Ok(project)
}

//! The stored results, `docs/figures.json`: what was measured, when and on which machine.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::comparison::TimeComparison;

/// All results, by the name of the measurement (the arguments of `figures`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Figures {
    measurements: BTreeMap<String, Measurement>,
}

/// The result of one measurement and the machine that it was made on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// The machine when the measurement began.
    pub machine: MachineState,
    /// The values that were measured.
    #[serde(flatten)]
    pub section: Section,
}

/// A machine and how busy it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MachineState {
    /// Day of the measurement, as `2026-11-28` (UTC).
    pub date: String,
    /// Number of processors that this process may use.
    pub cores: usize,
    /// Processes that ran or waited for a processor, averaged over a minute (`/proc/loadavg`), before the measurement.
    pub load: f64,
    /// Version of the Rust compiler, for example `1.95.0`.
    pub rust: String,
}

/// The values that one measurement gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Section {
    /// Size, start-up and memory of the client.
    Client(ClientFigures),
    /// Delay of cargo's output on its way to the client.
    Latency(LatencyFigures),
    /// Times of cargo and of the client for the same work.
    Comparisons(ComparisonFigures),
}

/// Size, start-up time and memory of the client's release binary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClientFigures {
    /// Size of the binary in KiB.
    pub kib: u64,
    /// Number of crates it is compiled from.
    pub crates: usize,
    /// Time of `--version` in milliseconds.
    pub start_ms: f64,
    /// Highest memory in MiB while it packed and sent 300 MB in 2,900 files.
    pub upload_mib: f64,
}

/// Time from the moment a build script prints a line to the moment the client has printed it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LatencyFigures {
    /// Median of the delays, in milliseconds.
    pub median_ms: f64,
    /// The time within which 99 of 100 lines arrive, in milliseconds.
    pub p99_ms: f64,
}

/// Comparisons of times on one program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComparisonFigures {
    /// The program and how it was built, as Markdown.
    pub title: String,
    /// The kinds of work, in the order they were done.
    pub rows: Vec<TimeComparison>,
}

impl MachineState {
    /// This machine in its present state.
    pub fn now() -> Result<Self> {
        let cores = std::thread::available_parallelism()?.get();
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = load.split(' ').next().and_then(|minute| minute.parse().ok()).unwrap_or_default();
        let rust = printed("rustc", &["--version"])?.split(' ').nth(1).context("no version of rustc")?.to_owned();
        Ok(Self { date: printed("date", &["-u", "+%F"])?, cores, load, rust })
    }
}

impl Figures {
    /// Reads the stored results of a workspace. None are stored before the first measurement.
    pub fn load(workspace: &Path) -> Result<Self> {
        let path = path(workspace);
        if !path.exists() {
            return Ok(Self::default());
        }
        let text = fs::read(&path).with_context(|| format!("{} can't be read", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} is damaged", path.display()))
    }

    /// Stores the results in `docs/figures.json` of a workspace.
    pub fn save(&self, workspace: &Path) -> Result<()> {
        let path = path(workspace);
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(&path, text).with_context(|| format!("{} can't be written", path.display()))
    }

    /// Stores a result under this name. It replaces an earlier result of that name.
    pub fn set(&mut self, name: &str, machine: MachineState, section: Section) {
        self.measurements.insert(name.to_owned(), Measurement { machine, section });
    }

    /// The results in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Measurement> {
        self.measurements.values()
    }
}

fn path(workspace: &Path) -> std::path::PathBuf {
    workspace.join("docs/figures.json")
}

fn printed(program: &str, arguments: &[&str]) -> Result<String> {
    let output =
        Command::new(program).args(arguments).output().with_context(|| format!("{program} can't be started"))?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

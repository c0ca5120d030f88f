//! Compares `cargo cloud install` with `cargo install` on a crate of the registry: the first time on a new machine, and
//! again with `--force`, when the builder has kept what it compiled.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use conformance::{ScenarioBackend, client_binary};

use crate::comparison::{Rounds, TimePairs};
use crate::figures::{ComparisonFigures, Section};

/// First words of the client's lines that tell how many bytes were transferred.
const TRANSFERS: [&str; 2] = ["Uploading", "Downloaded"];

/// Installs a crate of the registry, each round with an empty home and an empty backend.
pub fn measure(program: &str, rounds: Rounds) -> Result<Section> {
    let (mut first, mut again) = (TimePairs::default(), TimePairs::default());
    let mut sent = String::new();
    for _ in 0..rounds.clean {
        let folder = tempfile::tempdir()?;
        let backend = ScenarioBackend::start();
        let home = |flags: &[&str]| {
            let mut command = Command::new(env!("CARGO"));
            command.args(["install", "--locked", program]).args(flags).env("CARGO_HOME", folder.path().join("cargo"));
            command.env_remove("CARGO_TARGET_DIR");
            time(command, folder.path())
        };
        let away = |flags: &[&str]| {
            let mut command = Command::new(client_binary());
            command.args(["install", "--locked", program]).args(flags).env("CARGO_HOME", folder.path().join("cloud"));
            command.env("CARGO_CLOUD_CONFIG", backend.config("me"));
            time(command, folder.path())
        };
        first.plain.push(home(&[])?.0);
        let (took, said) = away(&[])?;
        first.cloud.push(took);
        again.plain.push(home(&["--force"])?.0);
        again.cloud.push(away(&["--force"])?.0);
        let lines = said.lines().map(str::trim).filter(|line| TRANSFERS.iter().any(|word| line.starts_with(word)));
        sent = lines.filter(|line| line.ends_with('B') || line.contains(" to ")).collect::<Vec<_>>().join(", ");
    }
    println!("{program}, `install --locked`, in turns, medians ({sent}):");
    let rows = vec![first.compare("the first time"), again.compare("again, with `--force`")];
    Ok(Section::Comparisons(ComparisonFigures { title: format!("`install {program} --locked`"), rows }))
}

fn time(mut command: Command, folder: &Path) -> Result<(Duration, String)> {
    let began = Instant::now();
    let output = command.current_dir(folder).stdin(Stdio::null()).output()?;
    let took = began.elapsed();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "an installation failed:\n{said}");
    Ok((took, said))
}

//! Compares `cargo cloud check` with `cargo check` as rust-analyzer calls it: what an editor waits for after you save a
//! file.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use conformance::{ScenarioBackend, client_binary};

use crate::builds::{copy, unpacked};
use crate::comparison::{Rounds, TimePairs};
use crate::figures::{ComparisonFigures, Section};

/// The command that rust-analyzer runs by default (rust-analyzer.github.io/book, configuration,
/// `check.overrideCommand`).
const CHECK: [&str; 4] = ["check", "--workspace", "--message-format=json", "--all-targets"];

/// Checks a program, which is a folder with a source or the name of a crate on the registry.
pub fn measure(program: &str, rounds: Rounds) -> Result<Section> {
    let folder = tempfile::tempdir()?;
    let source = match Path::new(program) {
        path if path.is_dir() => path.to_owned(),
        _ => unpacked(program, folder.path())?,
    };
    let backend = ScenarioBackend::start();
    let plain = copy(&source, folder.path(), "plain")?;
    let cloud = copy(&source, folder.path(), "cloud")?;
    let target = folder.path().join("target");
    let home = || {
        let mut command = Command::new(env!("CARGO"));
        command.args(CHECK).current_dir(&plain).env("CARGO_TARGET_DIR", &target);
        command
    };
    let away = || {
        let mut command = Command::new(client_binary());
        command.args(CHECK).current_dir(&cloud).env_remove("CARGO_TARGET_DIR");
        command.env("CARGO_CLOUD_CONFIG", backend.config("me"));
        command
    };
    time(home())?;
    time(away())?;
    let (mut same, mut line) = (TimePairs::default(), TimePairs::default());
    for n in 0..rounds.warm {
        same.plain.push(time(home())?);
        same.cloud.push(time(away())?);
        for (root, times) in [(&plain, &mut line.plain), (&cloud, &mut line.cloud)] {
            let file =
                ["src/main.rs", "src/lib.rs"].map(|name| root.join(name)).into_iter().find(|file| file.is_file());
            let file = file.context("neither src/main.rs nor src/lib.rs")?;
            fs::write(&file, format!("{}// {n}\n", fs::read_to_string(&file)?))?;
            times.push(time(if root == &plain { home() } else { away() })?);
        }
    }
    println!("{program}, `cargo {}`, in turns, medians:", CHECK.join(" "));
    let rows = vec![same.compare("nothing changed"), line.compare("one line changed")];
    Ok(Section::Comparisons(ComparisonFigures { title: format!("`{program}`, `check --all-targets`"), rows }))
}

fn time(mut command: Command) -> Result<Duration> {
    let began = Instant::now();
    let output = command.stdin(Stdio::null()).output()?;
    let took = began.elapsed();
    ensure!(output.status.success(), "a check failed:\n{}", String::from_utf8_lossy(&output.stderr));
    Ok(took)
}

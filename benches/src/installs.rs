//! `cargo cloud install` beside `cargo install`, of a crate of the registry: the first time on a new machine, and with
//! `--force` again, when the builder has kept what it compiled.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use conformance::{Backend, client_binary};

use crate::builds::Pairs;

/// Rounds of each.
const ROUNDS: usize = 3;

/// What tells of bytes on the way.
const ON_THE_WAY: [&str; 2] = ["Uploading", "Downloaded"];

/// Measures a crate, and prints.
pub fn measure(program: &str) -> Result<()> {
    let (mut first, mut again) = (Pairs::default(), Pairs::default());
    let mut sent = String::new();
    for _ in 0..ROUNDS {
        let folder = tempfile::tempdir()?;
        let backend = Backend::start();
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
        let lines = said.lines().map(str::trim).filter(|line| ON_THE_WAY.iter().any(|word| line.starts_with(word)));
        sent = lines.filter(|line| line.ends_with('B') || line.contains(" to ")).collect::<Vec<_>>().join(", ");
    }
    println!("{program}, `install --locked`, in turns, medians ({sent}):");
    first.print("first", ROUNDS);
    again.print("again", ROUNDS);
    Ok(())
}

fn time(mut command: Command, folder: &Path) -> Result<(Duration, String)> {
    let began = Instant::now();
    let output = command.current_dir(folder).stdin(Stdio::null()).output()?;
    let took = began.elapsed();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "an installation failed:\n{said}");
    Ok((took, said))
}

//! Compares `cargo cloud build` with `cargo build` on the same program: clean, unchanged, and with one line changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use conformance::{ScenarioBackend, client_binary};

use crate::comparison::{Rounds, TimePairs};
use crate::figures::{ComparisonFigures, Section};

/// Builds a program, which is a folder with a source or the name of a crate on the registry, in the given profile.
pub fn measure(program: &str, profile: &str, rounds: Rounds) -> Result<Section> {
    let folder = tempfile::tempdir()?;
    let source = match Path::new(program) {
        path if path.is_dir() => path.to_owned(),
        _ => unpacked(program, folder.path())?,
    };
    let (cargo, client) = (
        |root: &Path, target: &Path| cargo(root, target, profile),
        |root: &Path, backend: &ScenarioBackend| client(root, backend, profile),
    );
    let backend = ScenarioBackend::start();
    let plain = copy(&source, folder.path(), "plain")?;
    let cloud = copy(&source, folder.path(), "cloud")?;
    let target = |n: usize| folder.path().join(format!("target-{n}"));
    // Both fetch what they need from the registry before anything is timed.
    cargo(&plain, &target(0))?;
    let lines = client(&cloud, &backend)?.1;
    let units = lines.lines().filter(|line| line.trim_start().starts_with("Compiling")).count();

    let mut clean = TimePairs::default();
    for n in 0..rounds.clean {
        clean.plain.push(cargo(&plain, &target(n + 1))?);
        let fresh = copy(&source, folder.path(), &format!("cloud-{n}"))?;
        clean.cloud.push(client(&fresh, &backend)?.0);
        fs::remove_dir_all(target(n + 1))?;
    }
    let mut same = TimePairs::default();
    for _ in 0..rounds.warm {
        same.plain.push(cargo(&plain, &target(0))?);
        same.cloud.push(client(&cloud, &backend)?.0);
    }
    let mut line = TimePairs::default();
    for n in 0..rounds.warm {
        for (root, times) in [(&plain, &mut line.plain), (&cloud, &mut line.cloud)] {
            let main = root.join("src/main.rs");
            let mut text = fs::read_to_string(&main)?;
            text.push_str(&format!("// {n}\n"));
            fs::write(&main, text)?;
            times.push(if root == &plain { cargo(root, &target(0))? } else { client(root, &backend)?.0 });
        }
    }
    println!("{program}, {units} crates compiled, profile {profile}, in turns, medians:");
    let rows = vec![clean.compare("clean"), same.compare("nothing changed"), line.compare("one line changed")];
    Ok(Section::Comparisons(ComparisonFigures { title: format!("`{program}`, {profile}, {units} crates"), rows }))
}

fn cargo(root: &Path, target: &Path, profile: &str) -> Result<Duration> {
    let began = Instant::now();
    let status = Command::new(env!("CARGO"))
        .args(["build", "--locked", "--quiet", "--profile", profile])
        .current_dir(root)
        .env("CARGO_TARGET_DIR", target)
        .stdin(Stdio::null())
        .status()?;
    ensure!(status.success(), "cargo build failed");
    Ok(began.elapsed())
}

/// Builds with the client. Returns the time it took and what it printed to standard error.
pub fn client(root: &Path, backend: &ScenarioBackend, profile: &str) -> Result<(Duration, String)> {
    let began = Instant::now();
    let output = Command::new(client_binary())
        .args(["build", "--no-install", "--locked", "--profile", profile])
        .current_dir(root)
        .env("CARGO_CLOUD_CONFIG", backend.config("me"))
        .env_remove("CARGO_TARGET_DIR")
        .stdin(Stdio::null())
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "cargo cloud build failed:\n{said}");
    Ok((began.elapsed(), said))
}

/// Fetches the newest version of a crate from the registry and returns the folder with its source.
pub fn unpacked(program: &str, folder: &Path) -> Result<PathBuf> {
    let fetcher = folder.join("fetcher");
    fs::create_dir_all(fetcher.join("src"))?;
    fs::write(fetcher.join("src/lib.rs"), "")?;
    let manifest = format!("[package]\nname = \"fetcher\"\nedition = \"2024\"\n[dependencies]\n{program} = \"*\"\n");
    fs::write(fetcher.join("Cargo.toml"), manifest)?;
    let home = folder.join("cargo-home");
    let status = Command::new(env!("CARGO"))
        .args(["vendor", "--quiet", "--versioned-dirs"])
        .current_dir(&fetcher)
        .env("CARGO_HOME", &home)
        .stdout(Stdio::null())
        .status()?;
    ensure!(status.success(), "cargo can't fetch {program}");
    let prefix = format!("{program}-");
    fs::read_dir(fetcher.join("vendor"))?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.strip_prefix(&prefix).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        })
        .with_context(|| format!("cargo fetched no crate named {program}"))
}

/// Copies a source with its modification times into `folder/name`.
pub fn copy(source: &Path, folder: &Path, name: &str) -> Result<PathBuf> {
    let root = folder.join(name);
    let status = Command::new("cp").arg("-a").arg(source).arg(&root).status()?;
    ensure!(status.success(), "the source can't be copied");
    Ok(root)
}

//! The session: what scripts/demo.sh does, as a person types it.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use conformance::{ScenarioBackend, ScenarioOptions, client_binary};

use crate::capture::Capture;
use crate::cast::{Cast, CastEvent, TerminalSize};

/// Size of the terminal. It fits on a web page, and every line of the demo fits into it.
const SIZE: TerminalSize = TerminalSize { columns: 88, rows: 24 };

/// The home that the recording shows in place of the temporary folder.
const HOME: &str = "/home/you";

/// The commands, typed one after the other in the folder of `examples/heft`.
const COMMANDS: [&str; 5] = [
    "cargo cloud build",
    "heft src",
    "sed -i 's/in all/altogether/' src/report.rs",
    "cargo cloud build",
    "heft src | tail -n 1",
];

/// Starts an embedded backend and runs the commands against it.
pub fn record() -> Result<Cast> {
    let backend = ScenarioBackend::embedded(ScenarioOptions::default());
    let home = tempfile::tempdir()?;
    let project = home.path().join("heft");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/heft"), &project)?;
    let mut capture = Capture::new(SIZE);
    for line in COMMANDS {
        capture.type_line(line);
        let mut command = Command::new("sh");
        command
            .args(["-c", line])
            .current_dir(&project)
            .env_clear()
            .env("HOME", home.path())
            .env("PATH", path(home.path())?)
            .env("TERM", "xterm-256color")
            .env("LANG", "C.UTF-8")
            .env("CARGO_CLOUD_CONFIG", backend.config("me"));
        capture.run(command)?;
    }
    let real = home.path().to_str().context("the temporary folder's name")?;
    let mut events = capture.finish();
    for event in &mut events {
        if let CastEvent::Output(text) = &mut event.event {
            *text = text.replace(real, HOME);
        }
    }
    Ok(Cast { size: SIZE, events })
}

/// The `PATH` of the session: the folder of installed programs, the client, and a cargo that passes `cargo cloud` on to
/// the client.
fn path(home: &Path) -> Result<String> {
    let client = client_binary();
    let folders = [Some(home.join(".cargo/bin")), client.parent().map(Path::to_owned), cargo_folder()];
    let folders = folders.into_iter().flatten().chain(["/usr/bin".into(), "/bin".into()]);
    std::env::join_paths(folders)?.into_string().ok().context("a folder's name")
}

/// The folder of the real cargo, which needs no rustup.
fn cargo_folder() -> Option<std::path::PathBuf> {
    Path::new(env!("CARGO")).parent().map(Path::to_owned)
}

fn copy(source: &Path, target: &Path) -> Result<()> {
    let status = Command::new("cp").arg("-R").arg(source).arg(target).status()?;
    ensure!(status.success(), "{} can't be copied", source.display());
    // A build in the example's own folder may have left this.
    let _ = fs::remove_dir_all(target.join("target"));
    Ok(())
}

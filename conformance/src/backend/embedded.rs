//! The embedded backend, `cargo-cloud-local`, as a process.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::ScenarioOptions;
use crate::binaries::backend_binary;

/// The command that starts the backend. Port 0 stands for any free port.
pub(super) fn command(folder: &Path, port: u16, options: &ScenarioOptions) -> Command {
    let mut command = Command::new(backend_binary());
    command
        .arg("--listen")
        .arg(format!("127.0.0.1:{port}"))
        .arg("--data")
        .arg(folder.join("data"))
        .arg("--client-config")
        .arg(folder.join("me.toml"))
        .arg("--client-config")
        .arg(format!("other={}", folder.join("other.toml").display()))
        .envs(options.env.iter().cloned());
    if let Some(jobs) = options.jobs {
        command.arg("--jobs").arg(jobs.to_string());
    }
    if let Some(config) = &options.cargo_config {
        command.arg("--cargo-config").arg(config);
    }
    if let Some(limit) = options.attempt_limit {
        command.arg("--attempt-limit").arg(format!("{}ms", limit.as_millis()));
    }
    command
}

/// Mounts a file system of its own for the backend's data, with a size in bytes.
pub(super) fn mount(data: &Path, size: u64) {
    std::fs::create_dir(data).expect("the data folder");
    let mounted =
        Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(data).status();
    assert!(mounted.expect("mount starts").success(), "no file system of its own for the data");
}

/// Unmounts the file system again.
pub(super) fn unmount(data: &Path) {
    let _ = Command::new("umount").arg("-l").arg(data).status();
}

/// The first file below a folder whose path ends with this text.
pub(super) fn find(folder: &Path, end: &str) -> Option<PathBuf> {
    for entry in std::fs::read_dir(folder).ok()?.flatten() {
        let path = entry.path();
        if path.to_string_lossy().ends_with(end) {
            return Some(path);
        }
        if entry.file_type().is_ok_and(|kind| kind.is_dir())
            && let Some(found) = find(&path, end)
        {
            return Some(found);
        }
    }
    None
}

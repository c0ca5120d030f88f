//! The processes that run on this machine.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// The command lines of processes whose command line, program or current folder contains a text, except for one process.
pub fn mentioning(text: &str, except: u32) -> Vec<(u32, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").expect("/proc").flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        if pid == except || pid == std::process::id() {
            continue;
        }
        let folder = entry.path();
        let line = fs::read(folder.join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        let link = |name| fs::read_link(folder.join(name)).unwrap_or_default().to_string_lossy().into_owned();
        if line.contains(text) || link("cwd").contains(text) || link("exe").contains(text) {
            found.push((pid, line));
        }
    }
    found
}

/// Asserts that within a time no process works in a folder any more, except for one process.
#[track_caller]
pub fn assert_none_within(folder: &Path, except: u32, patience: Duration) {
    let text = folder.to_string_lossy().into_owned();
    let began = Instant::now();
    loop {
        let left = mentioning(&text, except);
        if left.is_empty() {
            return;
        }
        assert!(began.elapsed() < patience, "still there: {left:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

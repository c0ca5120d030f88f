//! The processes that run in a sandbox.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;

/// The process namespace of a sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// The process outside the namespace that made it (`unshare`).
    maker: u32,
}

/// A process in a sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SandboxProcess {
    /// The number of the process on this machine.
    pub pid: u32,
    /// The command line, with spaces between arguments.
    pub command: String,
    #[serde(skip)]
    parent: u32,
    #[serde(skip)]
    started: u64,
}

impl Namespace {
    /// The namespace that this process has made, or is about to make.
    pub fn new(maker: u32) -> Self {
        Self { maker }
    }

    /// The processes that the function has started, without its own.
    pub fn beyond_bootstrap(&self) -> Vec<SandboxProcess> {
        let all = self.all();
        let bootstrap = self.bootstrap_of(&all).map(|process| process.pid);
        let of_its_own = |process: &SandboxProcess| process.parent == self.maker || Some(process.pid) == bootstrap;
        all.into_iter().filter(|process| !of_its_own(process)).collect()
    }

    /// Kills the first process, which ends all others; whether there was one.
    pub fn kill_first(&self) -> bool {
        let all = self.all();
        let Some(first) = all.iter().find(|process| process.parent == self.maker) else { return false };
        let pid = i32::try_from(first.pid).ok().and_then(Pid::from_raw);
        pid.is_some_and(|pid| kill_process(pid, Signal::KILL).is_ok())
    }

    /// The peak memory of the function's own process in bytes.
    pub fn peak_memory(&self) -> Option<u64> {
        let pid = self.bootstrap_of(&self.all())?.pid;
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        Some(kib.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? * 1024)
    }

    /// The function's own process: the oldest child of the namespace's first process. Orphans, which also become its
    /// children, are younger.
    fn bootstrap_of<'a>(&self, all: &'a [SandboxProcess]) -> Option<&'a SandboxProcess> {
        let first = all.iter().find(|process| process.parent == self.maker)?;
        all.iter().filter(|process| process.parent == first.pid).min_by_key(|process| process.started)
    }

    fn all(&self) -> Vec<SandboxProcess> {
        let Some(inside) = inode(self.maker, "pid_for_children") else { return Vec::new() };
        // Before the namespace is made, this is the namespace of the machine.
        if inode(std::process::id(), "pid") == Some(inside) {
            return Vec::new();
        }
        let numbers = fs::read_dir("/proc").into_iter().flatten().flatten();
        let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        numbers.filter(|pid| inode(*pid, "pid") == Some(inside)).filter_map(read).collect()
    }
}

fn inode(pid: u32, kind: &str) -> Option<u64> {
    let path: PathBuf = ["/proc", &pid.to_string(), "ns", kind].iter().collect();
    fs::metadata(path).ok().map(|metadata| metadata.ino())
}

fn read(pid: u32) -> Option<SandboxProcess> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may contain anything. The fields after it are in proc(5): state, parent, and the start
    // time as the 20th.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    if fields.first() == Some(&"Z") {
        return None;
    }
    let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    Some(SandboxProcess {
        pid,
        command: String::from_utf8_lossy(&line).replace('\0', " ").trim().to_owned(),
        parent: fields.get(1)?.parse().ok()?,
        started: fields.get(19)?.parse().ok()?,
    })
}

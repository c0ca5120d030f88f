//! Processes by descent, as `/proc` tells it. (A process group is not enough: `setsid` leaves it.)

use std::collections::HashMap;
use std::fs;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, SysconfVar, sysconf};

/// One process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Process {
    pub pid: i32,
    pub parent: i32,
    /// Ended, and not yet waited for.
    pub zombie: bool,
    /// Pages in memory.
    pub resident: u64,
}

/// Every process there is; none where there is no `/proc`.
fn all() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
        .filter_map(|pid| parse(&fs::read(format!("/proc/{pid}/stat")).ok()?))
        .collect()
}

/// Reads `/proc/<pid>/stat` (proc_pid_stat(5)): the second field is a name in parentheses and may hold anything.
fn parse(stat: &[u8]) -> Option<Process> {
    let name_ends = stat.iter().rposition(|byte| *byte == b')')?;
    let pid = std::str::from_utf8(stat).ok().map_or_else(
        || String::from_utf8_lossy(stat).split(' ').next().and_then(|pid| pid.parse().ok()),
        |text| text.split(' ').next()?.parse().ok(),
    )?;
    let rest = String::from_utf8_lossy(&stat[name_ends + 1..]);
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    Some(Process {
        pid,
        zombie: matches!(*fields.first()?, "Z" | "X"),
        parent: fields.get(1)?.parse().ok()?,
        resident: fields.get(21)?.parse().ok()?,
    })
}

/// Those of `processes` that descend from `ancestor`, itself not among them.
fn descending(processes: &[Process], ancestor: i32) -> Vec<Process> {
    let mut children: HashMap<i32, Vec<Process>> = HashMap::new();
    for process in processes {
        children.entry(process.parent).or_default().push(*process);
    }
    let mut found = Vec::new();
    let mut next = vec![ancestor];
    while let Some(parent) = next.pop() {
        for child in children.remove(&parent).unwrap_or_default() {
            next.push(child.pid);
            found.push(child);
        }
    }
    found
}

/// What descends from `ancestor` now.
pub(super) fn descendants(ancestor: i32) -> Vec<Process> {
    descending(&all(), ancestor)
}

/// Bytes the descendants of `ancestor` hold; shared pages count once for each.
pub(super) fn resident_bytes(ancestor: i32) -> u64 {
    let page = sysconf(SysconfVar::PAGE_SIZE).ok().flatten().unwrap_or(4096);
    let pages: u64 = descendants(ancestor).iter().map(|process| process.resident).sum();
    pages * u64::try_from(page).unwrap_or(4096)
}

/// Ends these and all that descends from them. They are stopped first: what is stopped can't make new ones. Returns
/// how many were alive.
pub(super) fn end(processes: &[Process]) -> u64 {
    let alive: Vec<Pid> = processes.iter().filter(|p| !p.zombie).map(|p| Pid::from_raw(p.pid)).collect();
    for signal in [Signal::SIGSTOP, Signal::SIGKILL] {
        for pid in &alive {
            // Gone already is as good.
            let _ = kill(*pid, signal);
        }
    }
    alive.len() as u64
}

/// Takes note of ended children, without waiting. False when there are no children at all.
pub(super) fn reap() -> bool {
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) => return true,
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        let stat =
            b"41 (a) R 7 (\xff) S 12 41 41 0 -1 4194560 1 0 0 0 1 2 3 4 20 0 1 0 99 1000 321 18446744073709551615 1";
        assert_eq!(parse(stat), Some(Process { pid: 41, parent: 12, zombie: false, resident: 321 }));
        assert_eq!(parse(b"41 (x"), None);
        assert_eq!(parse(b""), None);
    }

    #[test]
    fn descent_goes_over_several_generations() {
        let process = |pid, parent| Process { pid, parent, zombie: false, resident: 0 };
        let all = [process(2, 1), process(3, 2), process(4, 3), process(5, 1), process(6, 5)];
        let mut found: Vec<i32> = descending(&all, 2).iter().map(|p| p.pid).collect();
        found.sort_unstable();
        assert_eq!(found, [3, 4]);
    }
}

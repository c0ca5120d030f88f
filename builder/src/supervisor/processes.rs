//! Finds and ends the descendants of a process, which `/proc` lists. (A process group is not enough: `setsid` leaves it.)

use std::collections::HashMap;
use std::fs;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, SysconfVar, sysconf};

/// The fields of `/proc/<pid>/stat` that are needed here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ProcessStat {
    pub pid: i32,
    pub parent: i32,
    /// Whether it has ended and nobody has waited for it yet.
    pub zombie: bool,
    /// Number of its pages in memory.
    pub resident: u64,
}

/// All processes of the machine; none on a system without `/proc`.
fn all() -> Vec<ProcessStat> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
        .filter_map(|pid| parse(&fs::read(format!("/proc/{pid}/stat")).ok()?))
        .collect()
}

/// Reads `/proc/<pid>/stat` (proc_pid_stat(5)). Its second field is a name in parentheses that may contain anything.
fn parse(stat: &[u8]) -> Option<ProcessStat> {
    let name_ends = stat.iter().rposition(|byte| *byte == b')')?;
    let pid = std::str::from_utf8(stat).ok().map_or_else(
        || String::from_utf8_lossy(stat).split(' ').next().and_then(|pid| pid.parse().ok()),
        |text| text.split(' ').next()?.parse().ok(),
    )?;
    let rest = String::from_utf8_lossy(&stat[name_ends + 1..]);
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    Some(ProcessStat {
        pid,
        zombie: matches!(*fields.first()?, "Z" | "X"),
        parent: fields.get(1)?.parse().ok()?,
        resident: fields.get(21)?.parse().ok()?,
    })
}

/// The descendants of `ancestor` among `processes`, without itself.
fn descending(processes: &[ProcessStat], ancestor: i32) -> Vec<ProcessStat> {
    let mut children: HashMap<i32, Vec<ProcessStat>> = HashMap::new();
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

/// The present descendants of `ancestor`.
pub(super) fn descendants(ancestor: i32) -> Vec<ProcessStat> {
    descending(&all(), ancestor)
}

/// How much memory the descendants of `ancestor` hold, in bytes. A shared page counts once for each process.
pub(super) fn resident_bytes(ancestor: i32) -> u64 {
    let page = sysconf(SysconfVar::PAGE_SIZE).ok().flatten().unwrap_or(4096);
    let pages: u64 = descendants(ancestor).iter().map(|process| process.resident).sum();
    pages * u64::try_from(page).unwrap_or(4096)
}

/// Kills these processes. They are stopped first, because a stopped process can't start new ones. Returns how many were
/// alive.
pub(super) fn end(processes: &[ProcessStat]) -> u64 {
    let alive: Vec<Pid> = processes.iter().filter(|p| !p.zombie).map(|p| Pid::from_raw(p.pid)).collect();
    for signal in [Signal::SIGSTOP, Signal::SIGKILL] {
        for pid in &alive {
            // An error means that the process has ended already.
            let _ = kill(*pid, signal);
        }
    }
    alive.len() as u64
}

/// Reaps the children that have ended, without waiting for others. `false` when there are no children.
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
    fn a_process_name_may_contain_anything() {
        let stat =
            b"41 (a) R 7 (\xff) S 12 41 41 0 -1 4194560 1 0 0 0 1 2 3 4 20 0 1 0 99 1000 321 18446744073709551615 1";
        assert_eq!(parse(stat), Some(ProcessStat { pid: 41, parent: 12, zombie: false, resident: 321 }));
        assert_eq!(parse(b"41 (x"), None);
        assert_eq!(parse(b""), None);
    }

    #[test]
    fn descendants_of_all_generations_are_found() {
        let process = |pid, parent| ProcessStat { pid, parent, zombie: false, resident: 0 };
        let all = [process(2, 1), process(3, 2), process(4, 3), process(5, 1), process(6, 5)];
        let mut found: Vec<i32> = descending(&all, 2).iter().map(|p| p.pid).collect();
        found.sort_unstable();
        assert_eq!(found, [3, 4]);
    }
}

//! Ends the processes of killed supervisors. The kernel makes them children of the backend, if the backend has asked for
//! that ([`crate::harden_process`]). A list of living supervisors tells them apart.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::{Pid, getpid};

use super::processes;

static SUPERVISORS: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

/// How long to try to end orphaned processes before giving up.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Starts a supervisor and adds it to the list, with no moment between at which [`end`] would take it for an orphan.
pub(super) fn register<T>(start: impl FnOnce() -> io::Result<(i32, T)>) -> io::Result<T> {
    let mut supervisors = SUPERVISORS.lock().unwrap_or_else(PoisonError::into_inner);
    let (pid, started) = start()?;
    supervisors.insert(pid);
    Ok(started)
}

/// Removes a supervisor that has ended from the list.
pub(super) fn unregister(pid: i32) {
    SUPERVISORS.lock().unwrap_or_else(PoisonError::into_inner).remove(&pid);
}

/// Ends the processes that killed supervisors left to this process. Blocks the thread until they are gone.
pub(super) fn end() {
    #[cfg(target_os = "linux")]
    if !nix::sys::prctl::get_child_subreaper().unwrap_or(false) {
        return;
    }
    let begun = Instant::now();
    while begun.elapsed() < TIMEOUT {
        let supervisors = SUPERVISORS.lock().unwrap_or_else(PoisonError::into_inner);
        let me = getpid().as_raw();
        let mut left = processes::descendants(me);
        let living: Vec<i32> = supervisors.iter().copied().collect();
        let kept: BTreeSet<i32> = living
            .iter()
            .flat_map(|pid| processes::descendants(*pid))
            .map(|p| p.pid)
            .chain(living.iter().copied())
            .collect();
        left.retain(|process| !kept.contains(&process.pid));
        if left.is_empty() {
            return;
        }
        processes::end(&left);
        for process in left.iter().filter(|process| process.parent == me) {
            let _ = waitpid(Pid::from_raw(process.pid), Some(WaitPidFlag::WNOHANG));
        }
        drop(supervisors);
        thread::sleep(Duration::from_millis(5));
    }
}

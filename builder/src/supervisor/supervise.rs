//! The supervisor process itself. It uses threads and blocking calls, because it has only one command to wait for.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{Pid, dup2_stderr, dup2_stdout, getpid};

use super::{CommandSpec, Exit, ExitReport, processes};

/// How often the memory of all processes is measured.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(200);

/// The pause between two rounds of ending processes.
const KILL_INTERVAL: Duration = Duration::from_millis(3);

/// How long to try to end a process before giving up: one that hangs in the kernel can't be ended.
const KILL_TIMEOUT: Duration = Duration::from_secs(5);

/// Makes the kernel choose the build's processes when memory runs out, not the backend (proc_pid_oom_score_adj(5)).
const OOM_SCORE_ADJ: &str = "800";

/// Runs the command that arrives on standard input, which is the control socket. Standard output and standard error are
/// the command's. Returns the supervisor's exit code.
pub(super) fn run() -> i32 {
    let report = supervise();
    let Ok(mut json) = serde_json::to_vec(&report) else { return 1 };
    json.push(b'\n');
    i32::from(control().write_all(&json).is_err())
}

/// Standard input, which is a socket for both directions.
fn control() -> File {
    use std::os::fd::AsFd;
    io::stdin().as_fd().try_clone_to_owned().map_or_else(|_| std::process::exit(1), File::from)
}

fn supervise() -> ExitReport {
    // Opened first: a process that isn't dumpable can't open its own files in /proc.
    let oom = File::options().read(true).write(true).open("/proc/self/oom_score_adj").ok();
    crate::hardening::harden_process();
    let mut input = BufReader::new(control());
    let failed = |why: String| ExitReport { exit: Err(why), peak_memory: 0, survivors: 0 };
    let mut line = String::new();
    let spec: CommandSpec =
        match input.read_line(&mut line).map_err(serde_json::Error::io).and_then(|_| serde_json::from_str(&line)) {
            Ok(spec) => spec,
            Err(error) => return failed(format!("the supervisor got no command: {error}")),
        };
    let child = match start(&spec, oom) {
        Ok(child) => child,
        Err(error) => return failed(format!("can't run {}: {error}", spec.program.display())),
    };
    static PEAK: AtomicU64 = AtomicU64::new(0);
    let me = getpid().as_raw();
    thread::spawn(move || {
        loop {
            PEAK.fetch_max(processes::resident_bytes(me), Ordering::Relaxed);
            thread::sleep(SAMPLE_INTERVAL);
        }
    });
    thread::spawn(move || {
        // The socket ends when the backend wants the build ended, or when the backend itself has ended.
        let _ = input.read(&mut [0]);
        loop {
            kill_all(child);
            thread::sleep(KILL_INTERVAL);
        }
    });
    let exit = wait(child);
    let survivors = end_survivors(child);
    // ru_maxrss is in KiB on Linux (getrusage(2)).
    let largest = getrusage(UsageWho::RUSAGE_CHILDREN).map_or(0, |usage| usage.max_rss()).max(0).unsigned_abs() * 1024;
    ExitReport { exit: Ok(exit), peak_memory: PEAK.load(Ordering::Relaxed).max(largest), survivors }
}

fn start(spec: &CommandSpec, oom: Option<File>) -> io::Result<Pid> {
    let previous = oom.as_ref().map(raise_oom_score);
    let mut command = Command::new(&spec.program);
    command
        .args(&spec.args)
        .env_clear()
        .envs(spec.env.iter().cloned())
        .current_dir(&spec.directory)
        .stdin(Stdio::null());
    command.process_group(0);
    #[cfg(target_os = "linux")]
    // SAFETY: prctl(2) is one system call; it neither allocates nor takes a lock.
    unsafe {
        command.pre_exec(|| Ok(nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?));
    }
    let child = command.spawn();
    // The command has inherited the score; the supervisor gets its own back.
    if let (Some(mut oom), Some(Ok(previous))) = (oom, previous) {
        let _ = oom.write_all(previous.as_bytes());
    }
    let child = child?;
    // Leaves the pipes to the command alone, so that they end when all its processes have ended.
    let null = File::options().read(true).write(true).open("/dev/null")?;
    dup2_stdout(&null)?;
    dup2_stderr(&null)?;
    Ok(Pid::from_raw(i32::try_from(child.id()).map_err(io::Error::other)?))
}

/// Makes this process one of the first that the kernel kills when memory runs out. Returns the previous score.
fn raise_oom_score(mut oom: &File) -> io::Result<String> {
    let mut previous = String::new();
    oom.read_to_string(&mut previous)?;
    oom.write_all(OOM_SCORE_ADJ.as_bytes())?;
    Ok(previous.trim().to_owned())
}

/// Waits for the command to end, and reaps all orphaned descendants until then.
fn wait(child: Pid) -> Exit {
    loop {
        match waitpid(None, None) {
            Ok(WaitStatus::Exited(pid, code)) if pid == child => return Exit::Code(code),
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == child => return Exit::Signal(signal as i32),
            Ok(_) | Err(Errno::EINTR) => {}
            // Impossible: the child exists until it is waited for.
            Err(_) => return Exit::Signal(Signal::SIGKILL as i32),
        }
    }
}

/// Kills the command and all its descendants. Returns how many were alive.
fn kill_all(child: Pid) -> u64 {
    // Without /proc the descendants are unknown, and only the process group can be killed.
    let _ = killpg(child, Signal::SIGKILL);
    processes::end(&processes::descendants(getpid().as_raw()))
}

/// Kills the processes that outlived the command. Returns how many there were.
fn end_survivors(child: Pid) -> u64 {
    let (begun, mut survivors) = (Instant::now(), 0);
    while processes::reap() && begun.elapsed() < KILL_TIMEOUT {
        survivors = survivors.max(kill_all(child));
        thread::sleep(KILL_INTERVAL);
    }
    survivors
}

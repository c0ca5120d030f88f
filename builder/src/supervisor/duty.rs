//! The supervisor's own side. Plain threads and blocking calls: it has one child to wait for.

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

use super::{Exit, Report, Spec, processes};

/// How often memory is looked at.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(200);

/// Between two rounds of ending processes.
const KILL_INTERVAL: Duration = Duration::from_millis(3);

/// A process that can't be ended (it hangs in the kernel) is given up after this.
const KILL_PATIENCE: Duration = Duration::from_secs(5);

/// What makes the kernel choose a process when memory runs out (proc_pid_oom_score_adj(5)): a build dies before the
/// backend does.
const OOM_SCORE_ADJ: &str = "800";

/// Runs what the control socket, which is standard input, says; standard output and error are the command's. Returns
/// the exit code.
pub(super) fn run() -> i32 {
    let report = supervise();
    let Ok(mut json) = serde_json::to_vec(&report) else { return 1 };
    json.push(b'\n');
    i32::from(control().write_all(&json).is_err())
}

/// Standard input, which is a socket and goes both ways.
fn control() -> File {
    use std::os::fd::AsFd;
    io::stdin().as_fd().try_clone_to_owned().map_or_else(|_| std::process::exit(1), File::from)
}

fn supervise() -> Report {
    // Opened while it may be: what isn't dumpable can't open its own.
    let oom = File::options().read(true).write(true).open("/proc/self/oom_score_adj").ok();
    crate::harden::harden_process();
    let mut input = BufReader::new(control());
    let failed = |why: String| Report { exit: Err(why), peak_memory: 0, survivors: 0 };
    let mut line = String::new();
    let spec: Spec =
        match input.read_line(&mut line).map_err(serde_json::Error::io).and_then(|_| serde_json::from_str(&line)) {
            Ok(spec) => spec,
            Err(error) => return failed(format!("the supervisor got no order: {error}")),
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
        // Whatever comes, it is the end: of the build by order, or of the backend.
        let _ = input.read(&mut [0]);
        loop {
            end_everything(child);
            thread::sleep(KILL_INTERVAL);
        }
    });
    let exit = wait(child);
    let survivors = end_survivors(child);
    // ru_maxrss is in KiB on Linux (getrusage(2)).
    let largest = getrusage(UsageWho::RUSAGE_CHILDREN).map_or(0, |usage| usage.max_rss()).max(0).unsigned_abs() * 1024;
    Report { exit: Ok(exit), peak_memory: PEAK.load(Ordering::Relaxed).max(largest), survivors }
}

fn start(spec: &Spec, oom: Option<File>) -> io::Result<Pid> {
    let usual = oom.as_ref().map(lower_standing);
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
    // The command has inherited it; the supervisor stays as it was.
    if let (Some(mut oom), Some(Ok(usual))) = (oom, usual) {
        let _ = oom.write_all(usual.as_bytes());
    }
    let child = child?;
    // The pipes are the command's alone: when they end, everyone who could write is gone.
    let null = File::options().read(true).write(true).open("/dev/null")?;
    dup2_stdout(&null)?;
    dup2_stderr(&null)?;
    Ok(Pid::from_raw(i32::try_from(child.id()).map_err(io::Error::other)?))
}

/// Makes this process one of the first to go when memory runs out; what it was before.
fn lower_standing(mut oom: &File) -> io::Result<String> {
    let mut usual = String::new();
    oom.read_to_string(&mut usual)?;
    oom.write_all(OOM_SCORE_ADJ.as_bytes())?;
    Ok(usual.trim().to_owned())
}

/// Waits for the command, and meanwhile for every process it has lost.
fn wait(child: Pid) -> Exit {
    loop {
        match waitpid(None, None) {
            Ok(WaitStatus::Exited(pid, code)) if pid == child => return Exit::Code(code),
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == child => return Exit::Signal(signal as i32),
            Ok(_) | Err(Errno::EINTR) => {}
            // Can't be: the child is there until it is waited for.
            Err(_) => return Exit::Signal(Signal::SIGKILL as i32),
        }
    }
}

fn end_everything(child: Pid) -> u64 {
    // Where there is no /proc to tell of descent, the group is what there is.
    let _ = killpg(child, Signal::SIGKILL);
    processes::end(&processes::descendants(getpid().as_raw()))
}

fn end_survivors(child: Pid) -> u64 {
    let (begun, mut survivors) = (Instant::now(), 0);
    while processes::reap() && begun.elapsed() < KILL_PATIENCE {
        survivors = survivors.max(end_everything(child));
        thread::sleep(KILL_INTERVAL);
    }
    survivors
}

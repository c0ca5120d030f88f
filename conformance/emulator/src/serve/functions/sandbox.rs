//! A sandbox: the process of one function, and all that it starts, in namespaces of their own.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{Notify, watch};

use super::image::Image;
use super::invocation::{FunctionInvocation, InvocationOutcome};
use super::logs::FunctionLog;
use super::processes::Namespace;
use super::runtime_api::{HandlerAnswer, OfferedInvocation, RuntimeApi};
use crate::serve::applied::functions::FunctionConfig;

/// The script that the first process in a sandbox runs.
const SCRIPT: &str = include_str!("sandbox.sh");

/// How long the start may take before Lambda gives up and starts again on the invocation's own time.
pub const INIT_TIMEOUT: Duration = Duration::from_secs(10);

/// The user and group that Lambda runs functions as.
const LAMBDA_USER: (u32, u32) = (993, 990);

/// What a sandbox is started with.
pub struct SandboxSpec<'a> {
    /// The number of the sandbox, different for each.
    pub id: u64,
    /// The function to run in it.
    pub config: &'a FunctionConfig,
    /// The part of this machine that the function can see.
    pub image: &'a Image,
    /// All variables but those of the image and of the runtime.
    pub environment: BTreeMap<String, String>,
    /// A folder of its own: a new one, or that of a sandbox that failed, with what it left in /tmp.
    pub folder: PathBuf,
    /// The size of its /tmp in bytes; `None` for no limit.
    pub tmp_size: Option<u64>,
    /// The log for its output.
    pub log: Arc<FunctionLog>,
}

/// A running sandbox. Everything in it ends when this is dropped.
pub struct Sandbox {
    id: u64,
    folder: PathBuf,
    runtime: RuntimeApi,
    handle: SandboxHandle,
    exited: watch::Receiver<Option<ExitStatus>>,
}

/// Looks at a sandbox and ends it, from anywhere.
#[derive(Clone)]
pub struct SandboxHandle {
    kill: Arc<Notify>,
    removed: Arc<AtomicBool>,
    namespace: Namespace,
}

impl SandboxHandle {
    /// Ends everything that runs in it. What is in /tmp stays.
    pub fn kill(&self) {
        self.kill.notify_one();
    }

    /// Ends it for good, with what is in /tmp.
    pub fn remove(&self) {
        self.removed.store(true, Ordering::Relaxed);
        self.kill();
    }

    /// The namespace of its processes.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }
}

impl Sandbox {
    /// Starts a sandbox. The runtime inside has not asked for work yet.
    pub async fn start(spec: SandboxSpec<'_>) -> Result<Self> {
        let runtime = RuntimeApi::listen(&spec.config.arn).await?;
        let tmp = spec.folder.join("tmp");
        std::fs::create_dir_all(&tmp).with_context(|| format!("{} can't be made", tmp.display()))?;
        let script = spec.folder.join("sandbox.sh");
        std::fs::write(&script, SCRIPT).with_context(|| format!("{} can't be written", script.display()))?;
        let is_root = rustix::process::geteuid().is_root();
        if is_root {
            let (uid, gid) = LAMBDA_USER;
            std::os::unix::fs::chown(&tmp, Some(uid), Some(gid)).context("/tmp can't be given to the function")?;
        }
        let mut child =
            command(&spec, &tmp, &runtime, is_root).spawn().context("`setpriv` or `unshare` can't be started")?;
        let pid = child.id().context("a sandbox has no process")?;
        for stream in [child.stdout.take().map(boxed), child.stderr.take().map(boxed)].into_iter().flatten() {
            tokio::spawn(copy(stream, spec.log.clone()));
        }
        let handle = SandboxHandle { kill: Arc::default(), removed: Arc::default(), namespace: Namespace::new(pid) };
        let (exit, exited) = watch::channel(None);
        tokio::spawn(keep(child, handle.clone(), exit, spec.folder.clone()));
        Ok(Self { id: spec.id, folder: spec.folder, runtime, handle, exited })
    }

    /// The number of this sandbox.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The folder that it has left, if it has ended and was not removed.
    pub fn left_over(&self) -> Option<PathBuf> {
        let is_there = !self.is_alive() && !self.handle.removed.load(Ordering::Relaxed);
        is_there.then(|| self.folder.clone())
    }

    /// A handle that others can keep.
    pub fn handle(&self) -> &SandboxHandle {
        &self.handle
    }

    /// Whether it has not ended.
    pub fn is_alive(&self) -> bool {
        self.exited.borrow().is_none()
    }

    /// Waits until the runtime asks for work, and returns how long that took. The error says why it didn't within the
    /// limit.
    pub async fn ready(&self, limit: Duration) -> Result<Duration, InvocationOutcome> {
        let began = Instant::now();
        tokio::select! {
            _ = self.runtime.first_poll() => Ok(began.elapsed()),
            status = self.exit() => Err(match self.runtime.init_error() {
                Some(error) => InvocationOutcome::Failed(error),
                None => InvocationOutcome::Exited(describe(status)),
            }),
            () = tokio::time::sleep(limit) => {
                self.stop().await;
                Err(InvocationOutcome::TimedOut(limit))
            }
        }
    }

    /// Runs an invocation. `None` when the sandbox ended before the runtime took it.
    pub async fn invoke(&self, invocation: &FunctionInvocation, timeout: Duration) -> Option<InvocationOutcome> {
        let began = Instant::now();
        let OfferedInvocation { mut taken, answered } = self.runtime.offer(invocation.clone(), timeout).await;
        let outcome = tokio::select! {
            biased;
            Ok(answer) = answered => match answer {
                HandlerAnswer::Response(body) => InvocationOutcome::Answered(body),
                HandlerAnswer::Error(error) => InvocationOutcome::Failed(error),
            },
            status = self.exit() => {
                if taken.try_recv().is_err() {
                    return None;
                }
                InvocationOutcome::Exited(describe(status))
            }
            () = tokio::time::sleep(timeout) => {
                self.stop().await;
                InvocationOutcome::TimedOut(began.elapsed())
            }
        };
        Some(outcome)
    }

    /// Ends everything that runs in it, and waits for that.
    async fn stop(&self) {
        self.handle.kill();
        self.exit().await;
    }

    /// Ends it and waits until everything in it is gone.
    pub async fn end(&self) {
        self.handle.remove();
        self.exit().await;
    }

    async fn exit(&self) -> ExitStatus {
        let mut exited = self.exited.clone();
        let status = exited.wait_for(Option::is_some).await.ok().and_then(|status| *status);
        // The task that waits for the process always reports a status before it ends.
        status.unwrap_or_default()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if self.is_alive() {
            self.handle.remove();
        }
    }
}

/// Checks that this machine can make sandboxes; the error says what to do.
pub async fn check() -> Result<()> {
    let is_root = rustix::process::geteuid().is_root();
    let mut command = Command::new("setpriv");
    command.args(unshare(is_root)).args(["mount", "--make-rprivate", "/"]).stdin(Stdio::null());
    let output = command.output().await.context("`setpriv` and `unshare` (util-linux) are missing")?;
    ensure!(
        output.status.success(),
        "functions can't be run in sandboxes here: {}\nThat takes root (sudo), or namespaces for everybody \
         (sysctl kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0)",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}

/// Namespaces of its own for mounts and processes, which end with this process, however it ends.
fn unshare(is_root: bool) -> Vec<&'static str> {
    let mut arguments = vec!["--pdeathsig", "KILL", "unshare"];
    arguments.extend(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]);
    if !is_root {
        arguments.extend(["--user", "--map-root-user"]);
    }
    arguments
}

fn command(spec: &SandboxSpec<'_>, tmp: &Path, runtime: &RuntimeApi, is_root: bool) -> Command {
    let mut command = Command::new("setpriv");
    command.args(unshare(is_root)).arg("/bin/sh").arg(spec.folder.join("sandbox.sh"));
    let shown = spec.image.shown.iter().map(|(to, from)| format!("{}\t{}", to.display(), from.display()));
    let (uid, gid) = LAMBDA_USER;
    command
        .env_clear()
        .envs(&spec.image.environment)
        .envs(&spec.environment)
        .env("AWS_LAMBDA_RUNTIME_API", runtime.address())
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .env("SANDBOX_PATH", &spec.image.path)
        .env("SANDBOX_TMP", tmp)
        .env("SANDBOX_TMP_SIZE", spec.tmp_size.map(|size| size.to_string()).unwrap_or_default())
        .env("SANDBOX_SHOWN", shown.collect::<Vec<_>>().join("\n"))
        .env("SANDBOX_USER", if is_root { format!("{uid}:{gid}") } else { String::new() })
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

type OutputStream = Box<dyn AsyncRead + Send + Unpin>;

fn boxed(stream: impl AsyncRead + Send + Unpin + 'static) -> OutputStream {
    Box::new(stream)
}

async fn copy(stream: OutputStream, log: Arc<FunctionLog>) {
    let mut lines = BufReader::new(stream);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).await.is_ok_and(|read| read > 0) {
        log.write(&line);
        line.clear();
    }
}

/// Waits for the end of a sandbox, reports it, and removes the files when that is asked for.
async fn keep(mut child: Child, handle: SandboxHandle, exit: watch::Sender<Option<ExitStatus>>, folder: PathBuf) {
    let status = tokio::select! {
        status = child.wait() => status,
        () = handle.kill.notified() => {
            // The first process inside: then the end of `unshare` is the end of all. Without one, `unshare` itself; an
            // error says that it has ended meanwhile.
            if !handle.namespace.kill_first() {
                let _ = child.start_kill();
            }
            // The status that `unshare` makes of that differs between its versions.
            child.wait().await.map(|_| ExitStatus::from_raw(9))
        }
    };
    if handle.removed.load(Ordering::Relaxed) {
        remove(folder).await;
    }
    exit.send_replace(Some(status.unwrap_or_default()));
}

/// Removes a sandbox's folder, which takes a while when it holds a target directory.
pub async fn remove(folder: PathBuf) {
    let removed = tokio::task::spawn_blocking(move || std::fs::remove_dir_all(folder)).await;
    if let Ok(Err(error)) = removed {
        tracing::debug!(%error, "a sandbox's folder is left behind");
    }
}

/// The end of a process in Lambda's words. The shell in between turns signal n into the code 128 + n.
fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(137), _) | (_, Some(9)) => "signal: killed".to_owned(),
        (Some(134), _) | (_, Some(6)) => "signal: aborted".to_owned(),
        (Some(139), _) | (_, Some(11)) => "signal: segmentation fault".to_owned(),
        (Some(143), _) | (_, Some(15)) => "signal: terminated".to_owned(),
        (Some(code), _) => format!("exit status {code}"),
        (None, signal) => format!("signal: {}", signal.unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_process_has_lambdas_own_text() {
        for (raw, text) in
            [(9, "signal: killed"), (137 << 8, "signal: killed"), (1 << 8, "exit status 1"), (0, "exit status 0")]
        {
            assert_eq!(describe(ExitStatus::from_raw(raw)), text);
        }
    }
}

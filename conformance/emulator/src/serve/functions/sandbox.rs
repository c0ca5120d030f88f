//! A sandbox: one function's process in namespaces of its own, with all it starts.

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

use super::config::FunctionConfig;
use super::image::Image;
use super::invocation::{Invocation, Outcome};
use super::logs::Log;
use super::processes::Namespace;
use super::runtime_api::{Answer, RuntimeApi};

/// What the first process does.
const SCRIPT: &str = include_str!("sandbox.sh");

/// How long the start may take before Lambda gives it up and begins again on the invocation's own time.
pub const INIT_TIMEOUT: Duration = Duration::from_secs(10);

/// The user Lambda runs functions as.
const LAMBDA_USER: (u32, u32) = (993, 990);

/// What a sandbox is started with.
pub struct Spec<'a> {
    /// Its number.
    pub id: u64,
    /// The function.
    pub config: &'a FunctionConfig,
    /// What the function sees of this machine.
    pub image: &'a Image,
    /// All variables but those of the image and of the runtime.
    pub environment: BTreeMap<String, String>,
    /// A folder of its own: a new one, or that of a sandbox that failed, with what it left in /tmp.
    pub folder: PathBuf,
    /// The size of its /tmp in bytes.
    pub tmp_size: Option<u64>,
    /// Where its output goes.
    pub log: Arc<Log>,
}

/// A running sandbox. Everything in it ends when this is dropped.
pub struct Sandbox {
    id: u64,
    folder: PathBuf,
    runtime: RuntimeApi,
    handle: Handle,
    exited: watch::Receiver<Option<ExitStatus>>,
}

/// Means to look at a sandbox and to end it, from anywhere.
#[derive(Clone)]
pub struct Handle {
    kill: Arc<Notify>,
    removed: Arc<AtomicBool>,
    namespace: Namespace,
}

impl Handle {
    /// Ends everything that runs in it. What is in /tmp stays.
    pub fn kill(&self) {
        self.kill.notify_one();
    }

    /// Ends it for good, with what is in /tmp.
    pub fn remove(&self) {
        self.removed.store(true, Ordering::Relaxed);
        self.kill();
    }

    /// Its processes.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }
}

impl Sandbox {
    /// Starts one; the runtime has not asked for work yet.
    pub async fn start(spec: Spec<'_>) -> Result<Self> {
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
        let handle = Handle { kill: Arc::default(), removed: Arc::default(), namespace: Namespace::new(pid) };
        let (exit, exited) = watch::channel(None);
        tokio::spawn(keep(child, handle.clone(), exit, spec.folder.clone()));
        Ok(Self { id: spec.id, folder: spec.folder, runtime, handle, exited })
    }

    /// Its number.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Its folder, if it has ended and left one.
    pub fn left(&self) -> Option<PathBuf> {
        let is_there = !self.is_alive() && !self.handle.removed.load(Ordering::Relaxed);
        is_there.then(|| self.folder.clone())
    }

    /// For others.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Whether it has not ended.
    pub fn is_alive(&self) -> bool {
        self.exited.borrow().is_none()
    }

    /// Waits until the runtime asks for work. An outcome when it doesn't, in this time.
    pub async fn ready(&self, patience: Duration) -> Result<Duration, Outcome> {
        let began = Instant::now();
        tokio::select! {
            _ = self.runtime.first_poll() => Ok(began.elapsed()),
            status = self.exit() => Err(match self.runtime.init_error() {
                Some(error) => Outcome::Failed(error),
                None => Outcome::Exited(describe(status)),
            }),
            () = tokio::time::sleep(patience) => {
                self.stop().await;
                Err(Outcome::TimedOut(patience))
            }
        }
    }

    /// Runs an invocation. `None` when the sandbox ended before it was begun.
    pub async fn invoke(&self, invocation: &Invocation, timeout: Duration) -> Option<Outcome> {
        let began = Instant::now();
        let (mut taken, answered) = self.runtime.offer(invocation.clone(), timeout).await;
        let outcome = tokio::select! {
            biased;
            Ok(answer) = answered => match answer {
                Answer::Response(body) => Outcome::Answered(body),
                Answer::Error(error) => Outcome::Failed(error),
            },
            status = self.exit() => {
                if taken.try_recv().is_err() {
                    return None;
                }
                Outcome::Exited(describe(status))
            }
            () = tokio::time::sleep(timeout) => {
                self.stop().await;
                Outcome::TimedOut(began.elapsed())
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
        // The keeper always says it before it ends.
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

/// Whether this machine can make sandboxes.
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

fn command(spec: &Spec<'_>, tmp: &Path, runtime: &RuntimeApi, is_root: bool) -> Command {
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

type Stream = Box<dyn AsyncRead + Send + Unpin>;

fn boxed(stream: impl AsyncRead + Send + Unpin + 'static) -> Stream {
    Box::new(stream)
}

async fn copy(stream: Stream, log: Arc<Log>) {
    let mut lines = BufReader::new(stream);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).await.is_ok_and(|read| read > 0) {
        log.write(&line);
        line.clear();
    }
}

/// Waits for the end, says so, and tidies up.
async fn keep(mut child: Child, handle: Handle, exit: watch::Sender<Option<ExitStatus>>, folder: PathBuf) {
    let status = tokio::select! {
        status = child.wait() => status,
        () = handle.kill.notified() => {
            // The first process inside: then the end of `unshare` is the end of all. Without one, `unshare` itself; an
            // error says that it has ended meanwhile.
            if !handle.namespace.kill_first() {
                let _ = child.start_kill();
            }
            // What `unshare` makes of that differs from version to version.
            child.wait().await.map(|_| ExitStatus::from_raw(9))
        }
    };
    if handle.removed.load(Ordering::Relaxed) {
        remove(folder).await;
    }
    exit.send_replace(Some(status.unwrap_or_default()));
}

/// Removes a sandbox's folder. A target folder takes a while.
pub async fn remove(folder: PathBuf) {
    let removed = tokio::task::spawn_blocking(move || std::fs::remove_dir_all(folder)).await;
    if let Ok(Err(error)) = removed {
        tracing::debug!(%error, "a sandbox's folder is left behind");
    }
}

/// How Lambda words the end of a process. The shell in between makes 128 + n of signal n.
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
    fn ends_are_worded_as_lambda_words_them() {
        for (raw, text) in
            [(9, "signal: killed"), (137 << 8, "signal: killed"), (1 << 8, "exit status 1"), (0, "exit status 0")]
        {
            assert_eq!(describe(ExitStatus::from_raw(raw)), text);
        }
    }
}

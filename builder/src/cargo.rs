//! One run of cargo, from start to the end of all its processes.

use std::time::Duration;

use protocol::{Status, Stream};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_util::sync::CancellationToken;

use crate::output::{ArtifactMessage, Decoder, ErrorPiece, ErrorSplitter, Message, OutPiece, OutSplitter};
use crate::plan::Execution;
use crate::stream::Reporter;
use crate::supervisor::{Exit, Spec, Supervised, SupervisorError};

/// Bytes read from a pipe at a time.
const CHUNK: usize = 16 * 1024;

/// An incomplete line is passed on after this long.
const PARTIAL_LINE_PATIENCE: Duration = Duration::from_millis(100);

/// What a pipe can hold at most by default (/proc/sys/fs/pipe-max-size): nothing more can honestly be in it once all
/// writers are gone.
const MAX_IN_PIPE: usize = 1024 * 1024;

/// More artifacts than this are not kept: a build that prints forged ones must not fill the memory.
const MAX_ARTIFACTS: usize = 10_000;

/// How cargo and rustc say that a process of theirs was killed.
const KILLED: [&str; 2] = ["signal: 9, SIGKILL", "signal 9 [Killed]"];

/// How cargo's git, and git itself, say that a repository wants a password or a key.
const DENIED: [&str; 4] = [
    "failed to authenticate when downloading repository",
    "terminal prompts disabled",
    "Authentication failed for",
    "Permission denied (publickey",
];

/// What the C library says when the disk is full.
const DISK_FULL: &str = "No space left on device";

/// What ended a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Cargo itself.
    Exit(Exit),
    /// The build was cancelled.
    Cancelled,
    /// There was no more time.
    OutOfTime,
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct CargoRun {
    /// How it ended.
    pub end: End,
    /// The most memory all processes held at once, in bytes.
    pub peak_memory: u64,
    /// What cargo said on standard output.
    pub made: StdoutSummary,
    /// What it said on standard error.
    pub told: StderrSummary,
}

impl CargoRun {
    /// Whether cargo failed because the disk was full.
    pub fn filled_the_disk(&self) -> bool {
        self.told.disk_full && !matches!(self.end, End::Exit(Exit::Code(0)))
    }

    /// Whether cargo failed because one of its processes was killed.
    pub fn lost_a_process(&self) -> bool {
        self.told.killed && matches!(self.end, End::Exit(Exit::Code(code)) if code != 0) && !self.filled_the_disk()
    }

    /// The same as one run with the one `before` it, of the same build.
    pub fn after(mut self, before: &CargoRun) -> Self {
        self.peak_memory = self.peak_memory.max(before.peak_memory);
        // What the first has compiled the second finds fresh.
        self.made.fresh = self.made.fresh.saturating_sub(before.made.compiled);
        self.made.compiled += before.made.compiled;
        self.told.done = self.told.done.max(before.told.done);
        self
    }
}

/// What cargo's messages come to.
#[derive(Debug, Default)]
pub(crate) struct StdoutSummary {
    /// Programs and libraries for other languages, as cargo, or someone in its name, tells of them.
    pub artifacts: Vec<ArtifactMessage>,
    /// Units that were fresh.
    pub fresh: u64,
    /// Units that were compiled.
    pub compiled: u64,
    /// Libraries that build scripts asked for.
    pub linked: Vec<Linked>,
    /// Whether `rustls-platform-verifier` is among what was compiled.
    pub platform_verifier: bool,
    /// Whether the build was over, so that the rest is about what cargo ran.
    pub built: bool,
}

/// A library that a package's build script asked for.
#[derive(Debug)]
pub(crate) struct Linked {
    /// The package.
    pub package: String,
    /// The library, without `lib` before it.
    pub library: String,
}

/// What cargo's words come to.
#[derive(Debug, Default)]
pub(crate) struct StderrSummary {
    /// Units finished, fresh ones among them.
    pub done: u64,
    /// What compiled last.
    pub current: String,
    /// A process was killed.
    pub killed: bool,
    /// The disk is full.
    pub disk_full: bool,
    /// A repository wants a password or a key.
    pub denied: bool,
}

/// How a run is watched.
pub(crate) struct Watch<'a> {
    pub reporter: &'a Reporter,
    pub cancel: &'a CancellationToken,
    pub drain_time: Duration,
    pub forward_messages: bool,
    pub execution: Execution,
}

/// Runs cargo, until there is no more time. When this returns, or is dropped, no process of the run is left.
pub(crate) async fn run(
    spec: &Spec,
    watch: &Watch<'_>,
    out_of_time: impl Future<Output = ()>,
) -> Result<CargoRun, SupervisorError> {
    let mut command = Supervised::start(spec).await?;
    let gone = CancellationToken::new();
    let (stdout, stderr) = (command.stdout.take(), command.stderr.take());
    let control = command.control.take();
    let wait = async {
        let mut control = control;
        let mut stopped = None;
        let (outcome, stop) = (command.wait(), stop(watch, out_of_time));
        tokio::pin!(outcome, stop);
        let outcome = loop {
            tokio::select! {
                outcome = &mut outcome => break outcome,
                why = &mut stop, if stopped.is_none() => {
                    stopped = Some(why);
                    // Closing the socket is the order to end everything.
                    control = None;
                }
            }
        };
        drop(control);
        gone.cancel();
        outcome.map(|outcome| (outcome, stopped))
    };
    let (outcome, made, told) =
        tokio::join!(wait, read_messages(stdout, watch, &gone), read_words(stderr, watch, &gone));
    let (outcome, stopped) = outcome?;
    if outcome.survivors > 0 {
        tracing::debug!(survivors = outcome.survivors, "processes outlived cargo and were ended");
    }
    let end = match stopped {
        // Cargo was through when the order came.
        Some(End::OutOfTime) if outcome.exit == Exit::Code(0) => End::Exit(outcome.exit),
        Some(end) => end,
        None => End::Exit(outcome.exit),
    };
    Ok(CargoRun { end, peak_memory: outcome.peak_memory, made, told })
}

/// Waits for a reason to stop.
async fn stop(watch: &Watch<'_>, out_of_time: impl Future<Output = ()>) -> End {
    tokio::select! {
        () = watch.cancel.cancelled() => End::Cancelled,
        () = out_of_time => End::OutOfTime,
    }
}

/// Reads one pipe, until its end or until nothing more can honestly come.
struct Pipe<'a, R> {
    pipe: Option<R>,
    gone: &'a CancellationToken,
    drain_time: Duration,
    late: usize,
    buffer: Vec<u8>,
}

impl<'a, R: AsyncRead + Unpin> Pipe<'a, R> {
    fn new(pipe: Option<R>, watch: &Watch<'_>, gone: &'a CancellationToken) -> Self {
        Self { pipe, gone, drain_time: watch.drain_time, late: 0, buffer: vec![0; CHUNK] }
    }

    async fn read(&mut self) -> Option<&[u8]> {
        let pipe = self.pipe.as_mut()?;
        let over = async {
            self.gone.cancelled().await;
            tokio::time::sleep(self.drain_time).await;
        };
        let read = tokio::select! {
            biased;
            read = pipe.read(&mut self.buffer) => read.ok().filter(|read| *read > 0),
            () = over => None,
        };
        if self.gone.is_cancelled() {
            self.late += read.unwrap_or_default();
        }
        match read {
            Some(read) if self.late <= MAX_IN_PIPE => Some(&self.buffer[..read]),
            _ => {
                self.pipe = None;
                None
            }
        }
    }
}

async fn read_messages(
    pipe: Option<impl AsyncRead + Unpin>,
    watch: &Watch<'_>,
    gone: &CancellationToken,
) -> StdoutSummary {
    let (mut pipe, mut splitter, mut decoder, mut made) =
        (Pipe::new(pipe, watch, gone), messages_of(watch.execution), Decoder::default(), StdoutSummary::default());
    loop {
        let (pieces, ended) = match pipe.read().await {
            Some(bytes) => (splitter.feed(bytes), false),
            None => (splitter.finish(), true),
        };
        for piece in pieces {
            match piece {
                OutPiece::Text(text) => watch.reporter.output(Stream::Stdout, &mut decoder, &text).await,
                OutPiece::Message(message, line) => {
                    if watch.forward_messages {
                        watch.reporter.output(Stream::Stdout, &mut decoder, &line).await;
                    }
                    made.take(message);
                    if made.built && watch.execution == Execution::Here {
                        watch.reporter.status(Status::Running).await;
                    }
                }
            }
        }
        if ended {
            watch.reporter.text(Stream::Stdout, decoder.finish()).await;
            return made;
        }
    }
}

impl StdoutSummary {
    fn take(&mut self, message: Message) {
        let artifact = match message {
            Message::Artifact(artifact) => artifact,
            Message::BuildScript(script) => {
                let room = MAX_ARTIFACTS.saturating_sub(self.linked.len());
                let linked = |library: &str| Linked { package: script.package().into(), library: library.into() };
                self.linked.extend(script.libraries().take(room).map(linked));
                return;
            }
            Message::Finished { success } => {
                self.built = success;
                return;
            }
            Message::Diagnostic {} | Message::Timing {} => return,
        };
        self.platform_verifier |= artifact.target.name == "rustls_platform_verifier";
        *(if artifact.fresh { &mut self.fresh } else { &mut self.compiled }) += 1;
        let product = artifact.executable.is_some() || artifact.target.is_foreign_library();
        if product && self.artifacts.len() < MAX_ARTIFACTS {
            self.artifacts.push(*artifact);
        }
    }
}

fn messages_of(execution: Execution) -> OutSplitter {
    if execution == Execution::None { OutSplitter::default() } else { OutSplitter::of_running() }
}

fn splitter(execution: Execution) -> ErrorSplitter {
    if execution == Execution::None { ErrorSplitter::default() } else { ErrorSplitter::of_running() }
}

async fn read_words(
    pipe: Option<impl AsyncRead + Unpin>,
    watch: &Watch<'_>,
    gone: &CancellationToken,
) -> StderrSummary {
    let (mut pipe, mut splitter, mut decoder, mut told) =
        (Pipe::new(pipe, watch, gone), splitter(watch.execution), Decoder::default(), StderrSummary::default());
    loop {
        let mut built = splitter.built();
        let (pieces, ended) = match tokio::time::timeout(PARTIAL_LINE_PATIENCE, pipe.read()).await {
            Ok(Some(bytes)) => (splitter.feed(bytes), false),
            Ok(None) => (splitter.finish(), true),
            Err(_) => (splitter.flush(), false),
        };
        for piece in pieces {
            match piece {
                // Of programs that are to run on the device: what cargo says of them here would mislead.
                ErrorPiece::Text(_) if built && watch.execution == Execution::Device => {}
                ErrorPiece::Text(bytes) => {
                    let text = decoder.decode(&bytes);
                    told.killed |= !built && KILLED.iter().any(|sign| text.contains(sign));
                    told.denied |= !built && DENIED.iter().any(|sign| text.contains(sign));
                    told.disk_full |= !built && text.contains(DISK_FULL);
                    watch.reporter.text(Stream::Stderr, text).await;
                }
                ErrorPiece::Built => built = true,
                ErrorPiece::Progress(bar) => {
                    told.done = told.done.max(bar.done);
                    told.current.clone_from(&bar.current);
                    watch.reporter.progress(bar.done, bar.total, bar.current);
                }
            }
        }
        if ended {
            watch.reporter.text(Stream::Stderr, decoder.finish()).await;
            return told;
        }
    }
}

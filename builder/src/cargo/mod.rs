//! One run of cargo, from its start to the end of all its processes.

mod pipe;
mod summary;

use std::time::Duration;

use protocol::{Status, Stream};
use tokio::io::AsyncRead;
use tokio_util::sync::CancellationToken;

use self::pipe::OutputPipe;
use crate::output::{StderrPiece, StderrSplitter, StdoutPiece, StdoutSplitter, Utf8Decoder};
use crate::plan::Execution;
use crate::stream::Reporter;
use crate::supervisor::{CommandSpec, Exit, SupervisedCommand, SupervisorError};

#[cfg(test)]
pub(crate) use self::summary::LinkedLibrary;
pub(crate) use self::summary::{StderrSummary, StdoutSummary};

/// How long an incomplete line may wait for its end before it is passed on.
const PARTIAL_LINE_TIMEOUT: Duration = Duration::from_millis(100);

/// Why a run of cargo ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunEnd {
    /// Cargo ended by itself, or a signal killed it.
    Exit(Exit),
    /// The backend cancelled the build.
    Cancelled,
    /// The attempt ran out of time.
    OutOfTime,
}

/// What is known of a run of cargo when it has ended.
#[derive(Debug)]
pub(crate) struct CargoRun {
    /// Why the run of cargo ended.
    pub end: RunEnd,
    /// The most memory that all processes held at once, in bytes.
    pub peak_memory: u64,
    /// What standard output said about the build.
    pub stdout: StdoutSummary,
    /// What standard error said about the build.
    pub stderr: StderrSummary,
}

impl CargoRun {
    /// Whether cargo failed because the disk was full.
    pub fn filled_the_disk(&self) -> bool {
        self.stderr.disk_full && !matches!(self.end, RunEnd::Exit(Exit::Code(0)))
    }

    /// Whether cargo failed because one of its processes was killed.
    pub fn lost_a_process(&self) -> bool {
        self.stderr.killed && matches!(self.end, RunEnd::Exit(Exit::Code(code)) if code != 0) && !self.filled_the_disk()
    }

    /// Combines this run with an earlier one of the same build into one.
    pub fn after(mut self, earlier: &CargoRun) -> Self {
        self.peak_memory = self.peak_memory.max(earlier.peak_memory);
        // This run found fresh what the earlier one compiled.
        self.stdout.fresh = self.stdout.fresh.saturating_sub(earlier.stdout.compiled);
        self.stdout.compiled += earlier.stdout.compiled;
        self.stderr.units_done = self.stderr.units_done.max(earlier.stderr.units_done);
        self
    }
}

/// How a run is controlled, and where its output goes.
pub(crate) struct RunControl<'a> {
    pub reporter: &'a Reporter,
    pub cancel: &'a CancellationToken,
    /// How long to read on after cargo has ended, when a surviving process holds its output open.
    pub drain_time: Duration,
    /// Whether cargo's messages go to the device's standard output too.
    pub forward_messages: bool,
    pub execution: Execution,
}

/// Runs cargo until it ends, the build is cancelled or `out_of_time` completes. When this returns, or is dropped, no
/// process of the run is left.
pub(crate) async fn run(
    spec: &CommandSpec,
    control: &RunControl<'_>,
    out_of_time: impl Future<Output = ()>,
) -> Result<CargoRun, SupervisorError> {
    let mut command = SupervisedCommand::start(spec).await?;
    let gone = CancellationToken::new();
    let (stdout, stderr) = (command.stdout.take(), command.stderr.take());
    let socket = command.control.take();
    let wait = async {
        let mut socket = socket;
        let mut stopped = None;
        let (ended, stop) = (command.wait(), reason_to_stop(control, out_of_time));
        tokio::pin!(ended, stop);
        let ended = loop {
            tokio::select! {
                ended = &mut ended => break ended,
                why = &mut stop, if stopped.is_none() => {
                    stopped = Some(why);
                    // Closing the socket tells the supervisor to end everything.
                    socket = None;
                }
            }
        };
        drop(socket);
        gone.cancel();
        ended.map(|ended| (ended, stopped))
    };
    let (waited, stdout, stderr) =
        tokio::join!(wait, read_stdout(stdout, control, &gone), read_stderr(stderr, control, &gone));
    let (ended, stopped) = waited?;
    if ended.survivors > 0 {
        tracing::debug!(survivors = ended.survivors, "processes outlived cargo and were ended");
    }
    let end = match stopped {
        // Cargo had already succeeded when it was told to stop.
        Some(RunEnd::OutOfTime) if ended.exit == Exit::Code(0) => RunEnd::Exit(ended.exit),
        Some(end) => end,
        None => RunEnd::Exit(ended.exit),
    };
    Ok(CargoRun { end, peak_memory: ended.peak_memory, stdout, stderr })
}

/// Waits until the run has to stop.
async fn reason_to_stop(control: &RunControl<'_>, out_of_time: impl Future<Output = ()>) -> RunEnd {
    tokio::select! {
        () = control.cancel.cancelled() => RunEnd::Cancelled,
        () = out_of_time => RunEnd::OutOfTime,
    }
}

/// Passes standard output on, and gathers what cargo's messages say.
async fn read_stdout(
    pipe: Option<impl AsyncRead + Unpin>,
    control: &RunControl<'_>,
    gone: &CancellationToken,
) -> StdoutSummary {
    let mut pipe = OutputPipe::new(pipe, control.drain_time, gone);
    let (mut decoder, mut summary) = (Utf8Decoder::default(), StdoutSummary::default());
    let mut splitter = match control.execution {
        Execution::None => StdoutSplitter::default(),
        Execution::Builder | Execution::Device => StdoutSplitter::of_running(),
    };
    loop {
        let (pieces, ended) = match pipe.read().await {
            Some(bytes) => (splitter.feed(bytes), false),
            None => (splitter.finish(), true),
        };
        for piece in pieces {
            match piece {
                StdoutPiece::Text(text) => control.reporter.output(Stream::Stdout, &mut decoder, &text).await,
                StdoutPiece::Message { message, line } => {
                    if control.forward_messages {
                        control.reporter.output(Stream::Stdout, &mut decoder, &line).await;
                    }
                    summary.add(message);
                    if summary.build_succeeded && control.execution == Execution::Builder {
                        control.reporter.status(Status::Running).await;
                    }
                }
            }
        }
        if ended {
            control.reporter.text(Stream::Stdout, decoder.finish()).await;
            return summary;
        }
    }
}

/// Passes standard error on, reports progress, and gathers what cargo's lines say.
async fn read_stderr(
    pipe: Option<impl AsyncRead + Unpin>,
    control: &RunControl<'_>,
    gone: &CancellationToken,
) -> StderrSummary {
    let mut pipe = OutputPipe::new(pipe, control.drain_time, gone);
    let (mut decoder, mut summary) = (Utf8Decoder::default(), StderrSummary::default());
    let mut splitter = match control.execution {
        Execution::None => StderrSplitter::default(),
        Execution::Builder | Execution::Device => StderrSplitter::of_running(),
    };
    loop {
        let mut build_over = splitter.is_build_over();
        let (pieces, ended) = match tokio::time::timeout(PARTIAL_LINE_TIMEOUT, pipe.read()).await {
            Ok(Some(bytes)) => (splitter.feed(bytes), false),
            Ok(None) => (splitter.finish(), true),
            Err(_) => (splitter.flush(), false),
        };
        for piece in pieces {
            match piece {
                // The programs will run on the device: cargo's lines about running them here would mislead.
                StderrPiece::Text(_) if build_over && control.execution == Execution::Device => {}
                StderrPiece::Text(bytes) => {
                    let text = decoder.decode(&bytes);
                    if !build_over {
                        summary.add_text(&text);
                    }
                    control.reporter.text(Stream::Stderr, text).await;
                }
                StderrPiece::BuildOver => build_over = true,
                StderrPiece::Progress(bar) => {
                    summary.units_done = summary.units_done.max(bar.done);
                    summary.compiling.clone_from(&bar.current);
                    control.reporter.progress(bar.done, bar.total, bar.current);
                }
            }
        }
        if ended {
            control.reporter.text(Stream::Stderr, decoder.finish()).await;
            return summary;
        }
    }
}

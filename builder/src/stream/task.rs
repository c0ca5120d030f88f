//! The task that owns an attempt's stream of events.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use protocol::limits::{ALIVE_INTERVAL, PROGRESS_INTERVAL};
use protocol::{Event, EventKind, Frame, unix_millis};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::batch::{EventBatcher, FlushedEvents};
use super::{ReporterMessage, StreamConfig};

/// The shortest time between two events that tell followers which numbers were left out.
const SKIPPED_INTERVAL: Duration = Duration::from_secs(1);

/// The outcome of a stream that has ended.
#[derive(Debug)]
pub(crate) struct StreamSummary {
    /// The number after that of the last event.
    pub next_seq: u64,
    /// How many encoded bytes of output all attempts sent.
    pub streamed_bytes: u64,
    /// `Ok` if the log is complete, otherwise the first error.
    pub log: io::Result<()>,
}

struct StreamTask {
    config: StreamConfig,
    batch: EventBatcher,
    log: EventLogFile,
    /// When the gathered output must be flushed; `None` while there is no output.
    flush_at: Option<Instant>,
    last_flush: Option<Instant>,
    last_skipped: Option<Instant>,
    /// The newest progress, not sent yet.
    progress: Option<EventKind>,
    last_progress: Option<Instant>,
    last_sent: Instant,
}

/// Runs until all reporters are dropped and everything is sent.
pub(super) async fn run(config: StreamConfig, mut inputs: mpsc::Receiver<ReporterMessage>) -> StreamSummary {
    let mut task = StreamTask {
        batch: EventBatcher::new(config.build.clone(), config.first_seq, config.streamed_bytes),
        log: EventLogFile::create(&config.log),
        config,
        flush_at: None,
        last_flush: None,
        last_skipped: None,
        progress: None,
        last_progress: None,
        last_sent: Instant::now(),
    };
    loop {
        let due = task.due();
        tokio::select! {
            biased;
            input = inputs.recv() => match input {
                Some(input) => task.take(input).await,
                None => break,
            },
            () = sleep_until(due) => {}
        }
        task.run_due().await;
    }
    let mut flush = task.batch.flush(now());
    task.batch.flush_skipped(now(), &mut flush);
    task.send(flush).await;
    StreamSummary { next_seq: task.batch.next_seq(), streamed_bytes: task.batch.streamed(), log: task.log.finish() }
}

impl StreamTask {
    /// When there is something to do even if no input arrives.
    fn due(&self) -> Instant {
        let progress =
            self.progress.as_ref().map(|_| self.last_progress.map_or(self.last_sent, |at| at + PROGRESS_INTERVAL));
        let skipped =
            self.batch.has_skipped().then(|| self.last_skipped.map_or(self.last_sent, |at| at + SKIPPED_INTERVAL));
        let alive = self.last_sent + ALIVE_INTERVAL;
        [self.flush_at, progress, skipped].into_iter().flatten().chain([alive]).min().unwrap_or(alive)
    }

    async fn take(&mut self, input: ReporterMessage) {
        match input {
            ReporterMessage::Output { stream, text } => {
                self.batch.gather(stream, text);
                // The first output after a silence is sent at once; what follows soon after is gathered.
                let earliest = self.last_flush.map(|at| at + self.config.flush_interval);
                self.flush_at = Some(earliest.map_or_else(Instant::now, |at| at.max(Instant::now())));
            }
            ReporterMessage::Status(status) => {
                let flush = self.batch.status(now(), status);
                self.send_flushed(flush).await;
            }
            ReporterMessage::Progress { done, total, current } => {
                self.progress = Some(EventKind::Progress { done, total, current, last: 0 });
            }
        }
    }

    async fn run_due(&mut self) {
        let at = Instant::now();
        if self.batch.has_output() && (self.batch.is_full() || self.flush_at.is_some_and(|due| due <= at)) {
            let flush = self.batch.flush(now());
            self.send_flushed(flush).await;
        }
        if self.batch.has_skipped() && self.last_skipped.is_none_or(|last| last + SKIPPED_INTERVAL <= at) {
            let mut flush = FlushedEvents::default();
            self.batch.flush_skipped(now(), &mut flush);
            self.last_skipped = Some(at);
            self.send(flush).await;
        }
        if self.last_progress.is_none_or(|last| last + PROGRESS_INTERVAL <= at)
            && let Some(EventKind::Progress { done, total, current, .. }) = self.progress.take()
        {
            self.last_progress = Some(at);
            let last = self.batch.next_seq() - 1;
            self.send_unnumbered(EventKind::Progress { done, total, current, last }).await;
        }
        if self.last_sent + ALIVE_INTERVAL <= at {
            self.send_unnumbered(EventKind::Alive { last: self.batch.next_seq() - 1 }).await;
        }
    }

    async fn send_flushed(&mut self, flush: FlushedEvents) {
        self.send(flush).await;
        self.flush_at = None;
        self.last_flush = Some(Instant::now());
    }

    async fn send(&mut self, flush: FlushedEvents) {
        for event in &flush.logged {
            self.log.write(event);
        }
        for frame in Frame::pack(flush.sent) {
            // An error means that nobody listens any more. The log has the events.
            let _ = self.config.events.send(frame).await;
            self.last_sent = Instant::now();
        }
    }

    async fn send_unnumbered(&mut self, kind: EventKind) {
        let event = Event::new(self.config.build.clone(), None, now(), kind);
        let _ = self.config.events.send(Frame::new(vec![event])).await;
        self.last_sent = Instant::now();
    }
}

/// The present time in milliseconds since 1970.
fn now() -> u64 {
    unix_millis(SystemTime::now())
}

/// The log file. After an error nothing more is written to it.
struct EventLogFile(io::Result<BufWriter<File>>);

impl EventLogFile {
    fn create(path: &Path) -> Self {
        Self(File::create(path).map(BufWriter::new))
    }

    fn write(&mut self, event: &Event) {
        if let Ok(file) = &mut self.0
            && let Err(error) =
                serde_json::to_writer(&mut *file, event).map_err(io::Error::from).and_then(|()| file.write_all(b"\n"))
        {
            self.0 = Err(error);
        }
    }

    fn finish(self) -> io::Result<()> {
        self.0?.flush()
    }
}

#[cfg(test)]
mod tests {
    use protocol::{BuildId, Status, Stream};

    use super::*;
    use crate::output::Utf8Decoder;
    use crate::stream::Reporter;

    fn start(folder: &Path, room: usize) -> (Reporter, mpsc::Receiver<Frame>, tokio::task::JoinHandle<StreamSummary>) {
        let (events, frames) = mpsc::channel(room);
        let (reporter, task) = Reporter::start(StreamConfig {
            build: BuildId::new(1, [0; 10]),
            first_seq: 3,
            events,
            log: folder.join("log.jsonl"),
            flush_interval: Duration::from_millis(100),
            streamed_bytes: 0,
        });
        (reporter, frames, task)
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_line_is_sent_at_once_and_the_next_are_gathered() {
        let folder = tempfile::tempdir().unwrap();
        let (reporter, mut frames, task) = start(folder.path(), 100);
        let begun = Instant::now();
        reporter.text(Stream::Stderr, "1\n".to_owned()).await;
        assert_eq!(frames.recv().await.unwrap().events.len(), 1);
        assert_eq!(begun.elapsed(), Duration::ZERO);
        reporter.text(Stream::Stderr, "2\n".to_owned()).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        reporter.text(Stream::Stderr, "3\n".to_owned()).await;
        let frame = frames.recv().await.unwrap();
        assert!(matches!(&frame.events[0].kind, EventKind::Output { text, .. } if text == "2\n3\n"));
        assert_eq!(begun.elapsed().as_millis(), 100);
        reporter.status(Status::Packing).await;
        assert_eq!(frames.recv().await.unwrap().events[0].seq, Some(5));
        assert_eq!(begun.elapsed().as_millis(), 100, "a status is sent at once");
        drop(reporter);
        let sent = task.await.unwrap();
        assert_eq!(sent.next_seq, 6);
        let log = std::fs::read_to_string(folder.path().join("log.jsonl")).unwrap();
        let numbers: Vec<_> =
            log.lines().map(|line| serde_json::from_str::<Event>(line).unwrap().seq.unwrap()).collect();
        assert_eq!(numbers, [3, 4, 5]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_build_sends_signs_of_life_and_progress_is_rare() {
        let folder = tempfile::tempdir().unwrap();
        let (reporter, mut frames, _task) = start(folder.path(), 100);
        let begun = Instant::now();
        assert!(matches!(frames.recv().await.unwrap().events[0].kind, EventKind::Alive { last: 2 }));
        assert_eq!(begun.elapsed(), ALIVE_INTERVAL);
        for done in 0..30 {
            reporter.progress(done, 30, "a".to_owned());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let mut seen = Vec::new();
        while let Ok(frame) = frames.try_recv() {
            assert!(frame.events[0].seq.is_none());
            if let EventKind::Progress { done, .. } = frame.events[0].kind {
                seen.push(done);
            }
        }
        assert_eq!(seen, [0, 10, 20]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_receiver_slows_the_writer_down_and_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (reporter, mut frames, _task) = start(folder.path(), 1);
        let writer = tokio::spawn(async move {
            let mut decoder = Utf8Decoder::default();
            for number in 0..200 {
                reporter
                    .output(Stream::Stdout, &mut decoder, format!("{number} {}\n", "x".repeat(5000)).as_bytes())
                    .await;
            }
        });
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(!writer.is_finished());
        let mut lines = 0;
        while let Some(frame) = frames.recv().await {
            for event in frame.events {
                if let EventKind::Output { text, .. } = event.kind {
                    lines += text.matches('\n').count();
                }
            }
        }
        assert_eq!(lines, 200);
    }
}

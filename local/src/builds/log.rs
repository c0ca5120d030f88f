//! A build's event log on disk: one numbered event per line, in the order of their numbers. Events are only appended.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use protocol::Event;
use tokio::fs::OpenOptions;
use tokio::io::AsyncWriteExt;

/// The longest line in bytes. Every event fits into one message, so no line is longer.
const MAX_LINE_BYTES: u64 = 1024 * 1024;

/// Size and last sequence number of a log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Total size of all complete lines, in bytes.
    pub bytes: u64,
    /// The highest sequence number, 0 for none.
    pub last: u64,
}

/// Appends events to a log file.
#[derive(Debug)]
pub(super) struct LogWriter {
    file: tokio::fs::File,
    extent: Extent,
}

impl LogWriter {
    /// Opens or creates a log. If a killed process left an incomplete last line, that line is cut off.
    pub async fn open(path: &Path) -> io::Result<Self> {
        let found = extent_of(path.to_owned()).await?;
        let mut file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path).await?;
        file.set_len(found.bytes).await?;
        file.seek_to(found.bytes).await?;
        Ok(Self { file, extent: found })
    }

    /// Appends events: all of them, or none if this fails. Once written, they stay even if this process is killed.
    pub async fn append(&mut self, events: &[Event]) -> io::Result<Extent> {
        let mut lines = Vec::new();
        let mut last = self.extent.last;
        for event in events {
            let Some((from, to)) = event.span().filter(|(from, _)| *from == last + 1) else {
                let seq = event.seq;
                return Err(io::Error::new(io::ErrorKind::InvalidData, format!("event {seq:?} after {last}")));
            };
            debug_assert!(from <= to);
            serde_json::to_writer(&mut lines, event)?;
            lines.push(b'\n');
            last = to;
        }
        if let Err(error) = self.write(&lines).await {
            // An incomplete line would corrupt the next one. If this fails too, the next start cuts it off.
            let _ = self.file.set_len(self.extent.bytes).await;
            let _ = self.file.seek_to(self.extent.bytes).await;
            return Err(error);
        }
        self.extent = Extent { bytes: self.extent.bytes + lines.len() as u64, last };
        Ok(self.extent)
    }

    async fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        self.file.write_all(lines).await?;
        self.file.flush().await
    }
}

trait SeekTo {
    async fn seek_to(&mut self, position: u64) -> io::Result<()>;
}

impl SeekTo for tokio::fs::File {
    async fn seek_to(&mut self, position: u64) -> io::Result<()> {
        use tokio::io::AsyncSeekExt;
        self.seek(SeekFrom::Start(position)).await.map(drop)
    }
}

/// The extent of the log at `path`; empty if there is no log.
pub(super) async fn extent_of(path: PathBuf) -> io::Result<Extent> {
    crate::objects::blocking(move || match last_line(&path) {
        Ok(Some(extent)) => Ok(extent),
        // The last line is no event, which a killed process alone can't cause. A power cut can, so the whole log is
        // read.
        Ok(None) => scan(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Extent::default()),
        Err(error) => Err(error),
    })
    .await
}

/// Determines the extent from the last complete line only. None if that line is no event.
fn last_line(path: &Path) -> io::Result<Option<Extent>> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let from = size.saturating_sub(2 * MAX_LINE_BYTES);
    file.seek(SeekFrom::Start(from))?;
    let mut tail = Vec::new();
    file.take(2 * MAX_LINE_BYTES).read_to_end(&mut tail)?;
    let Some(end) = tail.iter().rposition(|byte| *byte == b'\n') else { return Ok(None) };
    let begin = tail[..end].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let event: Option<Event> = serde_json::from_slice(&tail[begin..end]).ok();
    let span = event.and_then(|event| event.span());
    Ok(span.map(|(_, last)| Extent { bytes: from + end as u64 + 1, last }))
}

/// Determines the extent by reading the log up to the first line that is no event.
fn scan(path: PathBuf) -> io::Result<Extent> {
    let mut reader = LogReader::new(path);
    let mut extent = Extent::default();
    loop {
        let events = reader.read(u64::MAX, 1 << 20)?;
        let Some(event) = events.last() else { return Ok(extent) };
        extent = Extent { bytes: reader.position, last: event.span().map_or(extent.last, |(_, to)| to) };
    }
}

/// Reads a log from its beginning, a portion at a time.
#[derive(Debug, Clone)]
pub(crate) struct LogReader {
    path: PathBuf,
    position: u64,
}

impl LogReader {
    /// Creates a reader at the beginning of the log.
    pub fn new(path: PathBuf) -> Self {
        Self { path, position: 0 }
    }

    /// Reads the next events up to byte `end`, at most one line more than `portion` bytes. Empty at the end of the log
    /// or at an incomplete line. Blocks the thread.
    pub fn read(&mut self, end: u64, portion: u64) -> io::Result<Vec<Event>> {
        let mut events = Vec::new();
        if self.position >= end {
            return Ok(events);
        }
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(events),
            Err(error) => return Err(error),
        };
        file.seek(SeekFrom::Start(self.position))?;
        let mut lines = BufReader::with_capacity(64 * 1024, file);
        let stop = end.min(self.position.saturating_add(portion));
        let mut line = Vec::new();
        while self.position < stop {
            line.clear();
            let read = lines.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line)?;
            if read == 0 || line.last() != Some(&b'\n') {
                break;
            }
            let Ok(event) = serde_json::from_slice(&line) else { break };
            events.push(event);
            self.position += read as u64;
        }
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::{BuildId, EventKind, Status, Stream};

    fn output(seq: u64) -> Event {
        let kind = EventKind::Output { stream: Stream::Stdout, text: format!("line {seq}\n") };
        Event::new(BuildId::new(1, [0; 10]), Some(seq), 0, kind)
    }

    #[tokio::test]
    async fn an_incomplete_line_is_cut_off_and_the_next_event_reuses_its_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        let mut log = LogWriter::open(&path).await.unwrap();
        log.append(&[output(1), output(2)]).await.unwrap();
        let whole = log.extent;
        log.append(&[output(3)]).await.unwrap();
        drop(log);
        let torn = std::fs::metadata(&path).unwrap().len() - 3;
        std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(torn).unwrap();

        assert_eq!(extent_of(path.clone()).await.unwrap(), whole);
        let mut log = LogWriter::open(&path).await.unwrap();
        assert_eq!(log.extent, whole);
        log.append(&[Event { kind: EventKind::Status(Status::Packing), ..output(3) }]).await.unwrap();
        let events = LogReader::new(path).read(u64::MAX, u64::MAX).unwrap();
        assert_eq!(events.len(), 3);
        assert_eq!(events[2].kind, EventKind::Status(Status::Packing));
    }

    #[tokio::test]
    async fn invalid_data_after_a_power_cut_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        assert_eq!(extent_of(path.clone()).await.unwrap(), Extent::default());
        let mut log = LogWriter::open(&path).await.unwrap();
        let whole = log.append(&[output(1), output(2)]).await.unwrap();
        drop(log);
        for rest in [b"\0\0\0\0\n".as_slice(), b"\0\0\n\0\0", b"{\"v\":1", b"\n"] {
            let mut bytes = std::fs::read(&path).unwrap();
            bytes.truncate(whole.bytes as usize);
            bytes.extend(rest);
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(extent_of(path.clone()).await.unwrap(), whole, "{rest:?}");
        }
    }

    #[tokio::test]
    async fn events_that_skip_a_number_are_not_appended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        let mut log = LogWriter::open(&path).await.unwrap();
        assert!(log.append(&[output(1), output(3)]).await.is_err());
        assert!(log.append(&[output(2)]).await.is_err());
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 0);
        let skipped = Event { kind: EventKind::Skipped { from: 2, to: 9 }, ..output(2) };
        assert_eq!(log.append(&[output(1), skipped]).await.unwrap().last, 9);
        assert!(log.append(&[output(3)]).await.is_err());
        assert_eq!(log.append(&[output(10)]).await.unwrap().last, 10);
    }

    #[tokio::test]
    async fn reading_in_portions_returns_every_event_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        let mut log = LogWriter::open(&path).await.unwrap();
        let all: Vec<Event> = (1..=50).map(output).collect();
        log.append(&all).await.unwrap();
        let mut reader = LogReader::new(path);
        let mut read = Vec::new();
        loop {
            let events = reader.read(log.extent.bytes, 300).unwrap();
            if events.is_empty() {
                break;
            }
            assert!(events.len() < 10);
            read.extend(events);
        }
        assert_eq!(read, all);
    }
}

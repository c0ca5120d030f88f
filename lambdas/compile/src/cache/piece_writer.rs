//! A blocking writer as the pieces of an object.

use std::io::{self, Write};

use bytes::Bytes;
use futures_util::Stream;
use tokio::sync::mpsc;

use crate::storage::{PART, S3Error};

/// Pieces between packing and the network, beside those on their way.
const BACKLOG: usize = 1;

/// A writer for a blocking thread, and what it writes, in pieces of [`PART`] bytes. A writer that is dropped before
/// `flush` ends the pieces with an error: half of an object is none.
pub(super) fn channel() -> (impl Write + Send, impl Stream<Item = Result<Bytes, S3Error>> + Unpin + Send) {
    let (sender, receiver) = mpsc::channel(BACKLOG);
    let pieces = futures_util::stream::unfold(receiver, async |mut receiver: mpsc::Receiver<_>| {
        receiver.recv().await.map(|piece| (piece, receiver))
    });
    (PieceWriter { sender, piece: Vec::new(), whole: false }, Box::pin(pieces))
}

struct PieceWriter {
    sender: mpsc::Sender<Result<Bytes, S3Error>>,
    piece: Vec<u8>,
    whole: bool,
}

impl PieceWriter {
    fn send(&mut self, piece: Result<Bytes, S3Error>) -> io::Result<()> {
        self.sender.blocking_send(piece).map_err(|_| io::Error::other("it is not uploaded any more"))
    }
}

impl Write for PieceWriter {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let length = buffer.len().min(PART - self.piece.len());
        self.piece.extend_from_slice(&buffer[..length]);
        if self.piece.len() == PART {
            let piece = std::mem::take(&mut self.piece);
            self.send(Ok(piece.into()))?;
        }
        Ok(length)
    }

    /// Sends the last piece: the object is complete.
    fn flush(&mut self) -> io::Result<()> {
        self.whole = true;
        match std::mem::take(&mut self.piece) {
            piece if piece.is_empty() => Ok(()),
            piece => self.send(Ok(piece.into())),
        }
    }
}

impl Drop for PieceWriter {
    fn drop(&mut self) {
        if !self.whole {
            let _ = self.send(Err(io::Error::other("packing failed").into()));
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;

    use super::*;

    #[tokio::test]
    async fn what_is_written_comes_in_whole_pieces() {
        let (mut writer, pieces) = channel();
        let writing = tokio::task::spawn_blocking(move || {
            writer.write_all(&vec![7; PART + 3]).unwrap();
            writer.flush().unwrap();
        });
        let pieces: Vec<_> = pieces.map(|piece| piece.unwrap().len()).collect().await;
        assert_eq!(pieces, [PART, 3]);
        writing.await.unwrap();
    }

    #[tokio::test]
    async fn a_writer_that_fails_is_no_end() {
        let (mut writer, pieces) = channel();
        let writing = tokio::task::spawn_blocking(move || writer.write_all(&[7; 3]).unwrap());
        let pieces: Vec<_> = pieces.collect().await;
        assert!(matches!(pieces[..], [Err(_)]));
        writing.await.unwrap();
    }
}

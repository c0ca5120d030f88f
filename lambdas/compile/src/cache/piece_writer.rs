//! Turns what a blocking writer writes into the pieces of an upload.

use std::io::{self, Write};

use bytes::Bytes;
use futures_util::Stream;
use tokio::sync::mpsc;

use crate::storage::{PART, S3Error};

/// Number of pieces that wait between packing and the network, besides those being uploaded.
const BACKLOG: usize = 1;

/// Returns a writer for a blocking thread, and a stream of what it writes, in pieces of [`PART`] bytes. If the writer
/// is dropped before `flush`, the stream ends with an error, so that no incomplete object is stored.
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

    /// Sends the last piece: the object is complete now.
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
    async fn content_arrives_in_pieces_of_the_part_size() {
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
    async fn a_writer_dropped_before_flush_ends_with_an_error() {
        let (mut writer, pieces) = channel();
        let writing = tokio::task::spawn_blocking(move || writer.write_all(&[7; 3]).unwrap());
        let pieces: Vec<_> = pieces.collect().await;
        assert!(matches!(pieces[..], [Err(_)]));
        writing.await.unwrap();
    }
}

//! Reads an object of S3 through a blocking reader.

use std::io::{self, Read};

use bytes::{Buf, Bytes};
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use crate::storage::{ObjectDownload, S3Error};

/// Number of pieces that wait between the network and the disk, besides those being fetched.
const BACKLOG: usize = 1;

/// Returns a reader for a blocking thread, while a task fetches the object.
pub(super) fn reader(download: ObjectDownload) -> impl Read + Send {
    let (sender, receiver) = mpsc::channel(BACKLOG);
    let task = tokio::spawn(async move {
        let mut pieces = std::pin::pin!(download.pieces());
        while let Some(piece) = pieces.next().await {
            if sender.send(piece).await.is_err() {
                return;
            }
        }
    });
    PieceReader { receiver, piece: Bytes::new(), _task: AbortOnDropHandle::new(task) }
}

struct PieceReader {
    receiver: mpsc::Receiver<Result<Bytes, S3Error>>,
    piece: Bytes,
    _task: AbortOnDropHandle<()>,
}

impl Read for PieceReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.receiver.blocking_recv() {
                Some(piece) => self.piece = piece.map_err(io::Error::other)?,
                None => return Ok(0),
            }
        }
        let length = self.piece.len().min(buffer.len());
        self.piece.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}

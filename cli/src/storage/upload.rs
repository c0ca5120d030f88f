//! Uploads a source part by part while it is packed.

use std::io::{self, Write};
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use super::client::{Bucket, Call, RetryPolicy, Storage, refused};
use super::error::{StorageError, element};

/// Size of a part in bytes: S3's minimum for all but the last (docs.aws.amazon.com/AmazonS3, qfacts). An upload keeps
/// two parts in memory.
pub const PART_BYTES: usize = 5 * 1024 * 1024;

/// Name of the metadata by which an upload recognises its own object, because a write that is retried may have
/// succeeded.
const TOKEN: &str = "x-amz-meta-upload";

/// A part of the object, with at most `PART_BYTES` bytes.
struct Part {
    bytes: Vec<u8>,
    last: bool,
}

/// Accepts the bytes of the object and passes them on in parts. The caller must end with [`PartWriter::finish`].
pub struct PartWriter {
    parts: SyncSender<Part>,
    /// Buffers of parts that were sent, to be used again.
    spare: Receiver<Vec<u8>>,
    buffer: Vec<u8>,
}

/// Receives the parts of a [`PartWriter`] and uploads them.
pub struct SourceUpload {
    parts: Receiver<Part>,
    spare: Sender<Vec<u8>>,
}

/// How an upload without an error ended.
#[derive(Debug, PartialEq, Eq)]
pub enum UploadOutcome {
    /// The whole object was stored.
    Whole,
    /// Nothing was stored, because the writer was dropped before it was finished.
    Abandoned,
}

impl SourceUpload {
    /// Creates a writer and the upload that receives its parts, one at a time.
    pub fn new() -> (PartWriter, SourceUpload) {
        let (sender, receiver) = sync_channel(0);
        let (used, spare) = channel();
        (PartWriter { parts: sender, spare, buffer: Vec::new() }, SourceUpload { parts: receiver, spare: used })
    }

    /// Stores the parts under `key` in the input bucket, if that key is free. `metadata` has names without
    /// `x-amz-meta-`; `token` is unique to this upload; `sent` counts bytes.
    pub fn run(
        self,
        storage: &Storage,
        key: &str,
        metadata: &[(String, String)],
        token: &str,
        sent: &AtomicU64,
    ) -> Result<UploadOutcome, StorageError> {
        let mut headers: Vec<(String, String)> =
            metadata.iter().map(|(name, value)| (format!("x-amz-meta-{name}"), value.clone())).collect();
        headers.push((TOKEN.to_owned(), token.to_owned()));
        headers.push(("content-type".to_owned(), "application/zip".to_owned()));
        let target = UploadRequests { storage, key, token, sent };
        let Ok(first) = self.parts.recv() else { return Ok(UploadOutcome::Abandoned) };
        if first.last {
            target.put(headers, &first.bytes)?;
            return Ok(UploadOutcome::Whole);
        }
        let id = target.create(headers)?;
        let outcome = target.parts(&id, first, &self);
        if !matches!(outcome, Ok(UploadOutcome::Whole)) {
            target.abort(&id);
        }
        outcome
    }
}

/// Checks whether a source could be stored under `key`: starts a multipart upload, and aborts it before anything is
/// stored.
pub fn try_upload(storage: &Storage, key: &str) -> Result<(), StorageError> {
    let target = UploadRequests { storage, key, token: "", sent: &AtomicU64::new(0) };
    let id = target.create(Vec::new())?;
    target.abort(&id);
    Ok(())
}

struct UploadRequests<'a> {
    storage: &'a Storage,
    key: &'a str,
    token: &'a str,
    sent: &'a AtomicU64,
}

impl UploadRequests<'_> {
    fn call<'a>(&'a self, method: &'a str, query: &'a [(&'a str, &'a str)], body: &'a [u8]) -> Call<'a> {
        Call {
            action: "store the source",
            method,
            bucket: Bucket::Input,
            key: self.key,
            query,
            headers: Vec::new(),
            body,
            sent: None,
        }
    }

    fn put(&self, mut headers: Vec<(String, String)>, bytes: &[u8]) -> Result<(), StorageError> {
        headers.push(once());
        let call = Call { headers, sent: Some(self.sent), ..self.call("PUT", &[], bytes) };
        let response = self.storage.call(&call, RetryPolicy::Long)?;
        match response.status().as_u16() {
            200 => Ok(()),
            412 if self.is_ours()? => Ok(()),
            _ => Err(refused(call.action, response)),
        }
    }

    fn create(&self, headers: Vec<(String, String)>) -> Result<String, StorageError> {
        let call = Call { headers, ..self.call("POST", &[("uploads", "")], &[]) };
        let response = self.storage.call(&call, RetryPolicy::Long)?;
        if response.status().as_u16() != 200 {
            return Err(refused(call.action, response));
        }
        element(&text(response, call.action)?, "UploadId").ok_or_else(|| StorageError::InvalidAnswer {
            action: call.action.to_owned(),
            why: "it named no id for the upload".to_owned(),
        })
    }

    fn parts(&self, id: &str, first: Part, upload: &SourceUpload) -> Result<UploadOutcome, StorageError> {
        let mut etags = String::new();
        let mut part = first;
        for number in 1.. {
            let etag = self.part(id, number, &part.bytes)?;
            etags.push_str(&format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"));
            if part.last {
                break;
            }
            // This fails if the writer is gone, which is no problem.
            let _ = upload.spare.send(part.bytes);
            let Ok(next) = upload.parts.recv() else { return Ok(UploadOutcome::Abandoned) };
            part = next;
        }
        self.complete(id, &etags)?;
        Ok(UploadOutcome::Whole)
    }

    fn part(&self, id: &str, number: u32, bytes: &[u8]) -> Result<String, StorageError> {
        let number = number.to_string();
        let query = [("partNumber", number.as_str()), ("uploadId", id)];
        let call = Call { sent: Some(self.sent), ..self.call("PUT", &query, bytes) };
        let response = self.storage.call(&call, RetryPolicy::Long)?;
        let etag = response.headers().get("etag").and_then(|etag| etag.to_str().ok()).map(xml_text);
        match etag {
            Some(etag) if response.status().as_u16() == 200 => Ok(etag),
            _ => Err(refused(call.action, response)),
        }
    }

    fn complete(&self, id: &str, etags: &str) -> Result<(), StorageError> {
        let body = format!(
            "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{etags}</CompleteMultipartUpload>"
        );
        let query = [("uploadId", id)];
        let call = Call { headers: vec![once()], ..self.call("POST", &query, body.as_bytes()) };
        let mut failures = 0;
        loop {
            let response = self.storage.call(&call, RetryPolicy::Long)?;
            match response.status().as_u16() {
                200 => {
                    // S3 may answer 200 and fail afterwards; then the error is in the body.
                    let answer = text(response, call.action)?;
                    let Some(code) = element(&answer, "Code") else { return Ok(()) };
                    failures += 1;
                    if failures >= 5 {
                        let message = element(&answer, "Message").map(|text| format!(": {text}")).unwrap_or_default();
                        return Err(StorageError::Refused {
                            action: call.action.to_owned(),
                            status: 200,
                            code,
                            message,
                        });
                    }
                    self.storage.pause(failures)?;
                }
                404 | 412 if self.is_ours()? => return Ok(()),
                _ => return Err(refused(call.action, response)),
            }
        }
    }

    /// Removes the stored parts, which would cost money. If that fails, the bucket's lifecycle rule removes them.
    fn abort(&self, id: &str) {
        let query = [("uploadId", id)];
        if let Ok(storage) = self.storage.fresh() {
            let _ = storage.call(&self.call("DELETE", &query, &[]), RetryPolicy::None);
        }
    }

    fn is_ours(&self) -> Result<bool, StorageError> {
        let response = self.storage.call(&self.call("HEAD", &[], &[]), RetryPolicy::Long)?;
        Ok(response.headers().get(TOKEN).is_some_and(|token| token.as_bytes() == self.token.as_bytes()))
    }
}

fn once() -> (String, String) {
    ("if-none-match".to_owned(), "*".to_owned())
}

fn xml_text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn text(mut response: ureq::http::Response<ureq::Body>, action: &str) -> Result<String, StorageError> {
    response
        .body_mut()
        .with_config()
        .limit(1 << 20)
        .read_to_string()
        .map_err(|error| StorageError::InvalidAnswer { action: action.to_owned(), why: error.to_string() })
}

impl PartWriter {
    /// Passes on the last part, which completes the object.
    pub fn finish(mut self) -> io::Result<()> {
        let bytes = std::mem::take(&mut self.buffer);
        self.pass(bytes, true)
    }

    fn pass(&self, bytes: Vec<u8>, last: bool) -> io::Result<()> {
        self.parts.send(Part { bytes, last }).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    }
}

impl Write for PartWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.buffer.len() >= PART_BYTES {
            let full = std::mem::take(&mut self.buffer);
            self.pass(full, false)?;
            self.buffer = self.spare.try_recv().unwrap_or_default();
            self.buffer.clear();
        }
        let count = bytes.len().min(PART_BYTES - self.buffer.len());
        if self.buffer.capacity() - self.buffer.len() < count {
            // The capacity is not doubled, so a small source needs little memory and a large one at most a part.
            self.buffer.reserve_exact(count.max(PART_BYTES / 8));
        }
        self.buffer.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_the_minimum_size_of_s3_and_the_last_is_marked() {
        let (mut writer, upload) = SourceUpload::new();
        let packing = std::thread::spawn(move || {
            writer.write_all(&vec![7; 2 * PART_BYTES]).unwrap();
            writer.write_all(b"end").unwrap();
            writer.finish().unwrap();
        });
        let parts: Vec<_> = upload.parts.iter().map(|part| (part.bytes.len(), part.last)).collect();
        packing.join().unwrap();
        assert_eq!(parts, [(PART_BYTES, false), (PART_BYTES, false), (3, true)]);
    }

    #[test]
    fn an_object_of_exactly_one_part_is_sent_as_one() {
        let (mut writer, upload) = SourceUpload::new();
        let packing = std::thread::spawn(move || {
            writer.write_all(&vec![7; PART_BYTES]).unwrap();
            writer.finish().unwrap();
        });
        let parts: Vec<_> = upload.parts.iter().map(|part| (part.bytes.len(), part.last)).collect();
        packing.join().unwrap();
        assert_eq!(parts, [(PART_BYTES, true)]);
    }
}

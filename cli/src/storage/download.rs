//! Downloads from the output bucket. The backend is not trusted: every length is limited, and every digest is checked.

use std::io::{BufReader, Read, Seek, SeekFrom, Write};

use data_encoding::HEXLOWER;
use protocol::ArtifactInfo;
use ring::digest::{Context, SHA256};
use ureq::BodyReader;
use ureq::http::Response;

use super::client::{Bucket, Call, RetryPolicy, Storage, refused};
use super::error::StorageError;

/// How many attempts in a row may end without a single byte.
const MAX_FRUITLESS: u32 = 8;

impl Storage {
    fn get<'a>(key: &'a str, action: &'a str, method: &'a str, bucket: Bucket) -> Call<'a> {
        Call { action, method, bucket, key, query: &[], headers: Vec::new(), body: &[], sent: None }
    }

    /// Reads a small object of the output bucket, of at most `limit` bytes, without retries; `None` if it doesn't
    /// exist.
    pub fn read_small(&self, key: &str, action: &str, limit: u64) -> Result<Option<Vec<u8>>, StorageError> {
        let mut response = self.call(&Self::get(key, action, "GET", Bucket::Output), RetryPolicy::None)?;
        match response.status().as_u16() {
            200 => response
                .body_mut()
                .with_config()
                .limit(limit)
                .read_to_vec()
                .map(Some)
                .map_err(|error| StorageError::InvalidAnswer { action: action.to_owned(), why: error.to_string() }),
            404 => Ok(None),
            _ => Err(refused(action, response)),
        }
    }

    /// Opens an object of the output bucket as a stream; `None` if it doesn't exist.
    pub fn stream(&self, key: &str, action: &str) -> Result<Option<BufReader<BodyReader<'static>>>, StorageError> {
        let response = self.call(&Self::get(key, action, "GET", Bucket::Output), RetryPolicy::Long)?;
        match response.status().as_u16() {
            200 => Ok(Some(BufReader::new(response.into_body().into_reader()))),
            404 => Ok(None),
            _ => Err(refused(action, response)),
        }
    }

    /// Deletes a source, which cancels its build. It is no error if the source doesn't exist.
    pub fn delete_source(&self, key: &str) -> Result<(), StorageError> {
        let call = Self::get(key, "cancel the build", "DELETE", Bucket::Input);
        let response = self.call(&call, RetryPolicy::Long)?;
        match response.status().as_u16() {
            200 | 204 | 404 => Ok(()),
            _ => Err(refused(call.action, response)),
        }
    }

    /// Downloads the artifact into `out`, and resumes where a connection broke. `progress` gets the bytes so far, and
    /// returns false to stop.
    pub fn download<W: Write + Seek>(
        &self,
        key: &str,
        info: &ArtifactInfo,
        out: W,
        progress: impl FnMut(u64) -> bool,
    ) -> Result<(), StorageError> {
        Download { storage: self, key, info, out, progress, done: 0, digest: Context::new(&SHA256) }.run()
    }
}

/// The state of a running download.
pub struct Download<'a, W, P> {
    storage: &'a Storage,
    key: &'a str,
    info: &'a ArtifactInfo,
    out: W,
    /// Called with the bytes so far; returns false to stop.
    progress: P,
    done: u64,
    digest: Context,
}

const ACTION: &str = "send the artifact";

impl<W: Write + Seek, P: FnMut(u64) -> bool> Download<'_, W, P> {
    fn run(mut self) -> Result<(), StorageError> {
        let mut fruitless = 0;
        while self.done < self.info.size {
            let before = self.done;
            let error = match self.part() {
                Ok(()) if self.done == self.info.size => break,
                Ok(()) => invalid_answer(format!("it ended after {} of {} bytes", self.done, self.info.size)),
                Err(error @ (StorageError::Unreachable { .. } | StorageError::InvalidAnswer { .. })) => error,
                Err(error) => return Err(error),
            };
            fruitless = if self.done > before { 1 } else { fruitless + 1 };
            if fruitless >= MAX_FRUITLESS {
                return Err(error);
            }
            self.storage.pause(fruitless)?;
        }
        self.out.flush().map_err(StorageError::Write)?;
        let sha256 = HEXLOWER.encode(self.digest.finish().as_ref());
        if sha256 != self.info.sha256 {
            return Err(StorageError::WrongArtifact(format!(
                "its SHA-256 is {sha256} instead of {}",
                self.info.sha256
            )));
        }
        Ok(())
    }

    /// Sends one request and reads its answer to the end.
    fn part(&mut self) -> Result<(), StorageError> {
        let mut call = Storage::get(self.key, ACTION, "GET", Bucket::Output);
        if self.done > 0 {
            call.headers.push(("range".to_owned(), format!("bytes={}-", self.done)));
        }
        let response = self.storage.call(&call, RetryPolicy::Long)?;
        match response.status().as_u16() {
            200 if self.done > 0 => self.restart()?,
            200 => {}
            206 if starts_at(&response, self.done) => {}
            206 => return Err(invalid_answer("it sent another range than requested".to_owned())),
            _ => return Err(refused(ACTION, response)),
        }
        let mut body = response.into_body().into_with_config().limit(u64::MAX).reader();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let count = body.read(&mut buffer).map_err(|error| invalid_answer(error.to_string()))?;
            if count == 0 {
                return Ok(());
            }
            let left = self.info.size - self.done;
            if count as u64 > left {
                return Err(StorageError::WrongArtifact(format!("it is longer than {} bytes", self.info.size)));
            }
            self.out.write_all(&buffer[..count]).map_err(StorageError::Write)?;
            self.digest.update(&buffer[..count]);
            self.done += count as u64;
            if !(self.progress)(self.done) {
                return Err(StorageError::Interrupted);
            }
        }
    }

    /// Starts the download again, because the server ignores ranges.
    fn restart(&mut self) -> Result<(), StorageError> {
        self.out.seek(SeekFrom::Start(0)).map_err(StorageError::Write)?;
        self.digest = Context::new(&SHA256);
        self.done = 0;
        Ok(())
    }
}

fn starts_at<B>(response: &Response<B>, offset: u64) -> bool {
    let range = response.headers().get("content-range").and_then(|range| range.to_str().ok());
    range.is_some_and(|range| range.starts_with(&format!("bytes {offset}-")))
}

fn invalid_answer(why: String) -> StorageError {
    StorageError::InvalidAnswer { action: ACTION.to_owned(), why }
}

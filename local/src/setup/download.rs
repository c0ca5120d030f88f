//! Downloads a large file. An interrupted download continues where it stopped, and the file is accepted only if its
//! checksum is right.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use data_encoding::HEXLOWER;
use sha1::{Digest, Sha1};
use ureq::Agent;
use ureq::http::{StatusCode, header};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::progress::{DownloadProgress, Spinner, megabytes};
use crate::files;

/// How many connections in a row may end without a new byte before the download fails.
const MAX_FAILURES: u32 = 4;

/// How long to wait for a byte before the connection is treated as broken.
const STALL: Duration = Duration::from_secs(45);

/// How many bytes are read at a time.
const BUFFER_BYTES: usize = 256 * 1024;

/// A file to download, with its checksum.
pub(super) struct ResumableDownload<'a> {
    /// Name of the file in messages.
    pub what: &'a str,
    /// URL of the file, `https://` or `http://`.
    pub url: &'a str,
    /// Expected SHA-1 of the whole file, in hexadecimal.
    pub sha1: &'a str,
    /// Path that the file is written to. An incomplete file stays here for the next attempt, so its name should end in
    /// `.part`.
    pub part: &'a Path,
}

/// The reason why a connection ended early.
enum Broken {
    /// The network failed, so trying again may help.
    Network(String),
    /// The disk failed or the server refused, so trying again doesn't help.
    Fatal(anyhow::Error),
}

impl ResumableDownload<'_> {
    /// Downloads the missing part and checks the whole file.
    ///
    /// # Errors
    /// Fails if the network or the disk fails; the received part is then kept. Fails if the checksum is wrong; the file
    /// is then removed.
    pub fn fetch(&self) -> Result<()> {
        let agent = agent()?;
        let mut failures = 0;
        loop {
            let before = self.size();
            match self.fetch_more(&agent) {
                Ok(()) => break,
                Err(Broken::Fatal(error)) => return Err(error),
                Err(Broken::Network(why)) => {
                    failures = if self.size() > before { 0 } else { failures + 1 };
                    if failures == MAX_FAILURES {
                        bail!(
                            "{} can't be fetched from {}: {why}. {} of it are here: the same command goes on from there",
                            self.what,
                            self.url,
                            megabytes(self.size())
                        );
                    }
                    eprintln!("the connection broke off ({why}); trying again");
                    thread::sleep(Duration::from_secs(u64::from(failures)));
                }
            }
        }
        self.check()
    }

    fn size(&self) -> u64 {
        self.part.metadata().map_or(0, |metadata| metadata.len())
    }

    fn fetch_more(&self, agent: &Agent) -> Result<(), Broken> {
        let network = |error: &dyn std::fmt::Display| Broken::Network(error.to_string());
        let mut done = self.size();
        let answer = agent.get(self.url).header(header::RANGE, format!("bytes={done}-")).call();
        let mut answer = answer.map_err(|error| network(&error))?;
        let named = |name| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let length = named(header::CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
        let total = match answer.status() {
            // `bytes 0-99/1000`
            StatusCode::PARTIAL_CONTENT => {
                let range = named(header::CONTENT_RANGE).unwrap_or_default();
                if !range.starts_with(&format!("bytes {done}-")) {
                    return Err(Broken::Network(format!("the server sent another range: {range}")));
                }
                range.rsplit_once('/').and_then(|(_, total)| total.parse().ok())
            }
            // A server that doesn't support ranges sends the whole file.
            StatusCode::OK => {
                done = 0;
                length
            }
            // `bytes */1000`: the local file is already as long as the remote one, or longer.
            StatusCode::RANGE_NOT_SATISFIABLE => {
                let total =
                    named(header::CONTENT_RANGE).and_then(|range| range.rsplit_once('/')?.1.parse::<u64>().ok());
                if total == Some(done) {
                    return Ok(());
                }
                files::remove_if_there(self.part).map_err(|error| self.disk(error))?;
                return Err(Broken::Network("what was here is longer than the file".to_owned()));
            }
            status if status.is_server_error() => return Err(Broken::Network(status.to_string())),
            status => return Err(Broken::Fatal(anyhow::anyhow!("{} answers {status}", self.url))),
        };
        let mut file = self.open(done).map_err(|error| self.disk(error))?;
        let total = total.or(length.map(|length| done + length)).unwrap_or(done);
        let mut progress = DownloadProgress::start(self.what, done, total);
        let mut body = answer.body_mut().as_reader();
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let count = body.read(&mut buffer).map_err(|error| network(&error))?;
            if count == 0 {
                break;
            }
            file.write_all(buffer.get(..count).unwrap_or_default()).map_err(|error| self.disk(error))?;
            done += count as u64;
            progress.at(done);
        }
        file.sync_all().map_err(|error| self.disk(error))?;
        if done < total {
            return Err(Broken::Network("it ended too early".to_owned()));
        }
        Ok(())
    }

    /// Opens the file for writing at byte `from`; 0 starts a new file.
    fn open(&self, from: u64) -> io::Result<File> {
        let mut options = OpenOptions::new();
        if from == 0 {
            options.write(true).create(true).truncate(true).open(self.part)
        } else {
            options.append(true).open(self.part)
        }
    }

    fn disk(&self, error: io::Error) -> Broken {
        let folder = self.part.parent().unwrap_or(Path::new("/"));
        Broken::Fatal(full_or(error, folder).context(format!("{} can't be stored", self.what)))
    }

    /// Checks the SHA-1 of the whole file. A wrong file is removed, because a download can't continue from it.
    fn check(&self) -> Result<()> {
        let spinner = Spinner::start(format!("checking {}", self.what));
        let mut file = File::open(self.part).with_context(|| format!("{} can't be read", self.part.display()))?;
        let mut hash = Sha1::new();
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let count = file.read(&mut buffer).with_context(|| format!("{} can't be read", self.part.display()))?;
            if count == 0 {
                break;
            }
            hash.update(buffer.get(..count).unwrap_or_default());
        }
        drop(spinner);
        let found = HEXLOWER.encode(&hash.finalize());
        if found != self.sha1.to_ascii_lowercase() {
            files::remove_if_there(self.part)?;
            bail!(
                "the file from {} is wrong: its SHA-1 is {found}, not {}. It was removed. A proxy may have changed it, or the \
                 download was damaged. Run the same command to download it again",
                self.url,
                self.sha1
            );
        }
        Ok(())
    }
}

/// Converts an I/O error. If the disk is full, the error says what to do.
pub(super) fn full_or(error: io::Error, folder: &Path) -> anyhow::Error {
    if files::is_full(&error) {
        return anyhow::anyhow!(
            "the disk is full: free some space for {}, then type the same command; it goes on from there",
            folder.display()
        );
    }
    error.into()
}

fn agent() -> Result<Agent> {
    let roots = rustls_native_certs::load_native_certs().certs;
    if roots.is_empty() {
        bail!(
            "this machine has no certificates to check servers with; install the package `ca-certificates` or set SSL_CERT_FILE"
        );
    }
    let roots = RootCerts::from(roots.iter().map(|der| Certificate::from_der(der).to_owned()));
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .user_agent(concat!("cargo-cloud-local/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(Some(STALL))
        .timeout_connect(Some(STALL))
        .timeout_per_read(Some(STALL))
        .tls_config(TlsConfig::builder().root_certs(roots).unversioned_rustls_crypto_provider(provider).build());
    Ok(config.build().into())
}

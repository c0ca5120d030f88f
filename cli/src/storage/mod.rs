//! A small S3 client. It signs and retries requests, and corrects its clock by the server's.

mod address;
mod capabilities;
mod client;
mod clock;
mod download;
mod error;
mod http;
mod list;
mod signature;
#[cfg(test)]
mod tests;
mod upload;

pub use client::Storage;
pub use clock::Clock;
pub use error::StorageError;
pub use http::tls_config;
pub use signature::{SignedRequest, Signer, sha256_hex};
pub use upload::{PartWriter, SourceUpload, UploadOutcome, try_upload};

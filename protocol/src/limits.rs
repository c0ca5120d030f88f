//! Every limit both sides rest on, with its source. Sizes are bytes, of the *encoded* message where a message is meant.

use std::time::Duration;

/// The version of the protocol this crate speaks. A reader takes newer minor additions (unknown fields, unknown kinds
/// of event); a builder refuses a request of a newer version.
pub const PROTOCOL_VERSION: u32 = 1;

/// One WebSocket message with its JSON envelope. API Gateway sends frames of 32 KB and closes a larger one with 1009
/// (docs.aws.amazon.com/apigateway, WebSocket quotas); the rest is room for what the transport adds.
pub const MAX_MESSAGE_BYTES: usize = 28 * 1024;

/// One encoded event: a message less its envelope.
pub const MAX_EVENT_BYTES: usize = MAX_MESSAGE_BYTES - 64;

/// One message from client to backend: nothing a client says is longer.
pub const MAX_CLIENT_MESSAGE_BYTES: usize = 1024;

/// What a client accepts in one WebSocket message, so that a hostile backend can't fill its memory.
pub const MAX_RECEIVED_MESSAGE_BYTES: usize = 128 * 1024;

/// Encoded output events sent to followers per build; what is beyond is announced as `skipped` and read from the log.
/// 25 write units carry a burst of about 7.5 MB (300 s of unused capacity, DynamoDB burst capacity).
pub const MAX_STREAMED_BYTES: u64 = 6 * 1024 * 1024;

/// Attempts of one build. Lambda stops a chain of invocations that wake each other after about 16
/// (docs.aws.amazon.com/lambda, recursive loop detection).
pub const MAX_ATTEMPTS: u32 = 12;

/// The uploaded archive. /tmp of the compile Lambda holds 10,240 MB, for archive, source, target and toolchain.
pub const MAX_SOURCE_BYTES: u64 = 1024 * 1024 * 1024;

/// The unpacked source.
pub const MAX_UNPACKED_BYTES: u64 = 3 * 1024 * 1024 * 1024;

/// Entries of a source archive.
pub const MAX_ENTRIES: usize = 100_000;

/// `request.json`.
pub const MAX_REQUEST_BYTES: u64 = 256 * 1024;

/// User-defined object metadata, names and values together: S3 takes 2 KB (docs.aws.amazon.com/AmazonS3, UsingMetadata).
pub const MAX_METADATA_BYTES: usize = 2 * 1024;

/// What a client accepts as `result.json`.
pub const MAX_RESULT_BYTES: u64 = MAX_MESSAGE_BYTES as u64;

/// What a client accepts as artifact, and a builder packs.
pub const MAX_ARTIFACT_BYTES: u64 = 4 * 1024 * 1024 * 1024;

/// Without output for this long, the builder says that it is alive.
pub const ALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// Progress is sent at most this often.
pub const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

/// Output after the first line of a burst is gathered for this long.
pub const FLUSH_INTERVAL: Duration = Duration::from_millis(100);

/// A client resumes when a hole in the numbers stays open for this long: the bus reorders, so a short one is normal.
pub const HOLE_PATIENCE: Duration = Duration::from_secs(1);

/// A client resumes on a connection that gave no sign of life for this long.
pub const SILENCE_PATIENCE: Duration = Duration::from_secs(30);

/// How long a client waits for the events that an incomplete result says are missing.
pub const STRAGGLER_PATIENCE: Duration = Duration::from_secs(5);

/// The builder looks this often whether the source object is still there.
pub const CANCEL_POLL: Duration = Duration::from_secs(3);

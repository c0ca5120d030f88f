//! Every limit that both sides rely on, with its source. Sizes are in bytes; for messages, of the *encoded* message.

use std::time::Duration;

/// Version of the protocol that this crate speaks. Readers ignore additions they don't know (fields, kinds of event); a
/// builder refuses a request with a newer version.
pub const PROTOCOL_VERSION: u32 = 1;

/// The largest WebSocket message with its JSON envelope. API Gateway sends frames of 32 KB and closes the connection
/// with code 1009 for a larger one (docs.aws.amazon.com/apigateway, WebSocket quotas); the rest is room for the transport.
pub const MAX_MESSAGE_BYTES: usize = 28 * 1024;

/// The largest encoded event: a message without its envelope.
pub const MAX_EVENT_BYTES: usize = MAX_MESSAGE_BYTES - 64;

/// The largest message from client to backend.
pub const MAX_CLIENT_MESSAGE_BYTES: usize = 1024;

/// The largest WebSocket message that a client accepts, so that a hostile backend can't fill its memory.
pub const MAX_RECEIVED_MESSAGE_BYTES: usize = 128 * 1024;

/// The largest [`crate::Capabilities`] that a client reads, encoded: a backend with all of rustup's targets needs 8 KB.
pub const MAX_CAPABILITIES_BYTES: u64 = 64 * 1024;

/// The most encoded output that one build streams to its followers. The rest is announced as `skipped`, and the client
/// reads it from the log. 25 write units allow a burst of about 7.5 MB (300 s of unused capacity: DynamoDB, burst capacity).
pub const MAX_STREAMED_BYTES: u64 = 6 * 1024 * 1024;

/// The most attempts of one build. Lambda stops a chain of invocations that start each other after about 16
/// (docs.aws.amazon.com/lambda, recursive loop detection).
pub const MAX_ATTEMPTS: u32 = 12;

/// The largest uploaded archive. `/tmp` of the compile Lambda has 10,240 MB for archive, source, target directory and
/// toolchain.
pub const MAX_SOURCE_BYTES: u64 = 1024 * 1024 * 1024;

/// The largest source after unpacking.
pub const MAX_UNPACKED_BYTES: u64 = 3 * 1024 * 1024 * 1024;

/// The most entries of a source archive.
pub const MAX_ENTRIES: usize = 100_000;

/// The largest `request.json` that a builder reads.
pub const MAX_REQUEST_BYTES: u64 = 256 * 1024;

/// The most user-defined object metadata, names and values together, that S3 takes (docs.aws.amazon.com/AmazonS3,
/// UsingMetadata).
pub const MAX_METADATA_BYTES: usize = 2 * 1024;

/// The largest `result.json` that a client accepts.
pub const MAX_RESULT_BYTES: u64 = MAX_MESSAGE_BYTES as u64;

/// The largest artifact that a builder packs and a client accepts.
pub const MAX_ARTIFACT_BYTES: u64 = 4 * 1024 * 1024 * 1024;

/// After this time without output, the builder sends an `alive` event.
pub const ALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// The shortest time between two `progress` events.
pub const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

/// How long output is gathered into one message, after the first line of a burst.
pub const FLUSH_INTERVAL: Duration = Duration::from_millis(100);

/// A client resumes when a hole in the numbers stays open for this long. The bus reorders, so short holes are normal.
pub const HOLE_PATIENCE: Duration = Duration::from_secs(1);

/// A client resumes when a connection was silent for this long.
pub const SILENCE_PATIENCE: Duration = Duration::from_secs(30);

/// How long a client waits for events that are missing after an incomplete result.
pub const STRAGGLER_PATIENCE: Duration = Duration::from_secs(5);

/// How often the builder checks that the source object still exists; deleting it cancels the build.
pub const CANCEL_POLL: Duration = Duration::from_secs(3);

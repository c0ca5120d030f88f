//! What cargo prints: for people on standard error, with progress in between, and messages on standard output.

mod messages;
mod progress;
mod stderr;
mod stdout;
mod utf8;

pub(crate) use messages::{ArtifactMessage, Message};
pub(crate) use stderr::{ErrorPiece, ErrorSplitter};
pub(crate) use stdout::{OutPiece, OutSplitter};
pub(crate) use utf8::Decoder;

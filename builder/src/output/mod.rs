//! Cargo's output: text for people and a progress bar on standard error, messages and text on standard output.

mod messages;
mod progress;
mod stderr;
mod stdout;
mod utf8;

pub(crate) use messages::{CargoMessage, is_foreign_library};
pub(crate) use stderr::{StderrPiece, StderrSplitter};
pub(crate) use stdout::{StdoutPiece, StdoutSplitter};
pub(crate) use utf8::Utf8Decoder;

//! Identity and Access Management: the policies that were applied, and what they say about a call.

mod condition;
mod context;
mod document;
mod evaluate;
mod keys;
mod pattern;

pub use context::Context;
pub use evaluate::{Decision, Reason};

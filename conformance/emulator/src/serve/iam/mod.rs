//! Identity and Access Management: the policies that were applied, and what they say about a call.

mod account;
mod condition;
mod context;
mod document;
mod evaluate;
mod grants;
mod keys;
mod pattern;
mod policies;

pub use context::RequestContext;
pub use evaluate::{AccessDecision, Reason};
pub use grants::Grants;
pub use pattern::like;
pub use policies::Policies;

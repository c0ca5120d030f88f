//! What is sent: which files, and the archive they travel in.

mod archive;
mod commit;
mod entry;
mod git_index;
mod include_rules;
mod patterns;
mod repository;
mod secrets;
mod walk;

pub use archive::{SourcePackError, pack};
pub use commit::Commit;
pub use entry::{SourceContent, SourceEntry, SourceListing, biggest_folders};
pub use walk::list;

//! The source of a project: which files are sent, and the archive that contains them.

mod archive;
mod commit;
mod entry;
mod git_index;
mod include_rules;
mod patterns;
mod secrets;
mod walk;
mod work_tree;

pub use archive::{SourcePackError, pack};
pub use commit::Commit;
pub use entry::{SourceContent, SourceEntry, SourceListing, biggest_folders};
pub use walk::list;

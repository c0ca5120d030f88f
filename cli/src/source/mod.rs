//! What is sent: which files, and the archive they travel in.

mod archive;
mod commit;
mod entry;
mod index;
mod patterns;
mod repository;
mod secrets;
mod selection;
mod walk;

pub use archive::{PackError, pack};
pub use commit::Commit;
pub use entry::{Content, Entry, Listing, biggest_folders};
pub use walk::list;

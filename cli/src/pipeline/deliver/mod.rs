//! What a build made, fetched, checked, and put where it belongs.

pub mod adoption;
pub mod completion;
mod download;
pub mod execution;
mod unpacking;

pub use download::fetch;
pub use unpacking::Unpacking;

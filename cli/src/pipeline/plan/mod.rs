//! What is to be done, settled before anything is sent.

pub mod install;
pub mod variables;
mod workspace;

pub use workspace::Workspace;

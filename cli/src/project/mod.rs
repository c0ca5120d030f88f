//! A cargo project, found and read without cargo.

mod cargo_config;
mod crawl;
mod documented;
mod git;
mod key;
mod locate;
mod malformed;
mod manifest;
mod path;
mod toolchain;

pub use cargo_config::CargoConfig;
pub use crawl::{Project, Selection};
pub use documented::documented;
pub use git::repository_root;
pub use key::{install_key, project_key};
pub use malformed::caused;
pub use path::{normalize, relative};
pub use toolchain::forwarded as forwarded_toolchain;

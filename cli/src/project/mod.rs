//! A cargo project, found and read without cargo.

mod cargo_config;
mod device_project;
mod documented_crates;
mod git;
mod locate;
mod manifest;
mod path;
mod project_key;
mod toml_error;
mod toolchain;

pub use cargo_config::CargoConfig;
pub use device_project::{CloudMetadata, DeviceProject};
pub use documented_crates::documented;
pub use git::repository_root;
pub use path::{normalize, relative};
pub use project_key::{install_key, project_key};
pub use toml_error::caused;
pub use toolchain::forwarded as forwarded_toolchain;

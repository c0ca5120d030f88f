//! The configuration: which backend is used, and with which keys.

mod credentials;
mod edit;
mod file;
mod ini;

pub use credentials::Credentials;
pub use edit::{default_of, with_backend, with_default, without_backend};
pub use file::{Backend, BackendSummary, Config, config_file, config_folder};
pub use ini::{IniEntry, parse as parse_ini};

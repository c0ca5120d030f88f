//! Which backend, and with whose keys.

mod credentials;
mod file;
mod ini;

pub use credentials::Credentials;
pub use file::{Backend, Config, config_folder};
pub use ini::{Entry, parse as parse_ini};

//! Writes this backend into a client's configuration file, or into one line to paste on a device.

use std::io;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use protocol::ClientLine;
use sha2::{Digest, Sha256};
use thiserror::Error;
use toml_edit::{DocumentMut, Item, Table, TomlError, value};

use crate::files;
use crate::keys::AccessKey;

/// The reason why a client's configuration can't be written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClientConfigError {
    /// The file can't be read or written.
    #[error("the client configuration {path} can't be read or written")]
    Io {
        /// Path of the configuration file.
        path: PathBuf,
        /// The error that the system reported.
        source: io::Error,
    },
    /// The existing file is not valid TOML.
    #[error("the client configuration {path} is not valid TOML and was not changed")]
    Malformed {
        /// Path of the configuration file.
        path: PathBuf,
        /// What is wrong with the TOML.
        source: Box<TomlError>,
    },
    /// A field of the existing file must be a table but is something else.
    #[error("the client configuration {path} was not changed: `{field}` in it is not a table")]
    NoTable {
        /// Path of the configuration file.
        path: PathBuf,
        /// Name of the field in the file.
        field: &'static str,
    },
}

/// Writes this backend into a client's configuration as `local` and leaves everything else unchanged. It becomes the
/// default backend unless the file names another one.
///
/// `address` is the host and port that the client connects to. Returns the name of the client's default backend.
pub fn write(path: &Path, address: &str, key: &AccessKey) -> Result<String, ClientConfigError> {
    let io = |source| ClientConfigError::Io { path: path.to_owned(), source };
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(source) => return Err(io(source)),
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(io)?;
    }
    let (text, chosen) = with_backend(&text, address, key).map_err(|wrong| match wrong {
        Wrong::Toml(source) => ClientConfigError::Malformed { path: path.to_owned(), source: Box::new(source) },
        Wrong::Table(field) => ClientConfigError::NoTable { path: path.to_owned(), field },
    })?;
    // If the path is a symbolic link (as in a dotfiles repository), the link stays and its target is written.
    let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    files::write_atomically(&target, text.as_bytes()).map_err(io)?;
    Ok(chosen)
}

/// The same configuration as one line, which `cargo cloud configure` reads on a device.
pub fn line(address: &str, key: &AccessKey) -> String {
    let line = ClientLine {
        region: REGION.to_owned(),
        input_bucket: INPUT.to_owned(),
        output_bucket: OUTPUT.to_owned(),
        socket: Some(format!("ws://{address}/socket")),
        endpoint: Some(format!("http://{address}")),
        owner: key.owner.clone(),
        access_key_id: key.id.clone(),
        secret_access_key: key.secret.clone(),
    };
    line.encode(|bytes| HEXLOWER.encode(&Sha256::digest(bytes)))
}

/// The region that clients sign with. Every signature needs one, but it has no meaning for this backend.
const REGION: &str = "us-east-1";
const INPUT: &str = "input";
const OUTPUT: &str = "output";

enum Wrong {
    Toml(TomlError),
    Table(&'static str),
}

fn with_backend(text: &str, address: &str, key: &AccessKey) -> Result<(String, String), Wrong> {
    let mut document: DocumentMut = text.parse().map_err(Wrong::Toml)?;
    if !document.contains_key("backend") {
        document.insert("backend", value("local"));
    }
    let backends = document.entry("backends").or_insert_with(|| {
        let mut table = Table::new();
        table.set_implicit(true);
        Item::Table(table)
    });
    let backends = backends.as_table_like_mut().ok_or(Wrong::Table("backends"))?;
    let local = backends.entry("local").or_insert_with(|| Item::Table(Table::new()));
    let local = local.as_table_like_mut().ok_or(Wrong::Table("backends.local"))?;
    for (name, text) in [
        ("endpoint", format!("http://{address}").as_str()),
        ("socket", &format!("ws://{address}/socket")),
        ("region", REGION),
        ("input_bucket", INPUT),
        ("output_bucket", OUTPUT),
        ("owner", key.owner.as_str()),
        ("access_key_id", &key.id),
        ("secret_access_key", &key.secret),
    ] {
        local.insert(name, value(text));
    }
    // Written by an earlier version. Clients now ask the backend for its targets.
    local.remove("targets");
    // A profile would name other keys and so contradict the ones written above.
    local.remove("profile");
    let chosen = document["backend"].as_str().unwrap_or("local").to_owned();
    Ok((document.to_string(), chosen))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> AccessKey {
        AccessKey { owner: Default::default(), id: "CCID".to_owned(), secret: "s3cret".to_owned() }
    }

    #[test]
    fn a_new_file_is_complete_and_private() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/config.toml");
        assert_eq!(write(&path, "127.0.0.1:4100", &key()).unwrap(), "local");
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "backend = \"local\"\n\n[backends.local]\nendpoint = \"http://127.0.0.1:4100\"\n\
             socket = \"ws://127.0.0.1:4100/socket\"\nregion = \"us-east-1\"\ninput_bucket = \"input\"\n\
             output_bucket = \"output\"\nowner = \"me\"\naccess_key_id = \"CCID\"\nsecret_access_key = \"s3cret\"\n"
        );
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn other_settings_in_the_file_stay_unchanged() {
        let old = "# mine\nbackend = \"aws\"\ncolor = 1\n\n[backends.aws]\nregion = \"eu-west-1\" # near\n\n\
                   [backends.local]\nendpoint = \"http://127.0.0.1:1\"\nprofile = \"x\"\ntargets = [\"a\"]\nnote = \"kept\"\n";
        let (new, chosen) = with_backend(old, "127.0.0.1:2", &key()).ok().unwrap();
        assert_eq!(chosen, "aws");
        for kept in ["# mine", "backend = \"aws\"", "color = 1", "region = \"eu-west-1\" # near", "note = \"kept\""] {
            assert!(new.contains(kept), "{kept}: {new}");
        }
        assert!(new.contains("http://127.0.0.1:2") && !new.contains("127.0.0.1:1\""), "{new}");
        assert!(!new.contains("profile") && !new.contains("targets"), "{new}");
    }

    #[test]
    fn an_invalid_file_stays_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        for text in ["backend = ", "backends = 3", "[backends]\nlocal = \"x\""] {
            std::fs::write(&path, text).unwrap();
            assert!(write(&path, "127.0.0.1:2", &key()).is_err(), "{text}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
    }
}

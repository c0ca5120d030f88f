//! Access keys. The backend generates one for each owner and stores them in the data folder.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::RwLock;

use protocol::Owner;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::files;

/// The reason why keys can't be read or generated.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeysError {
    /// The file can't be read or written.
    #[error("the keys in {path} can't be read or written")]
    Io {
        /// Path of the file with the keys.
        path: PathBuf,
        /// The error that the system reported.
        source: io::Error,
    },
    /// The file is not in the format that this program writes.
    #[error("{path} holds no readable keys; remove it and start again, then configure all clients again")]
    Malformed {
        /// Path of the file with the keys.
        path: PathBuf,
        /// What is wrong with the JSON.
        source: serde_json::Error,
    },
    /// The system provides no random numbers.
    #[error("the system gives no random numbers for new keys")]
    Random(#[from] getrandom::Error),
}

/// The access key that a client signs its requests with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessKey {
    /// The owner whose objects and builds the key gives access to.
    pub owner: Owner,
    /// Public id of the key, 20 characters.
    pub id: String,
    /// Secret part of the key, 40 characters.
    pub secret: String,
}

#[derive(Serialize, Deserialize)]
struct KeysFile {
    version: u32,
    keys: Vec<AccessKey>,
}

/// All access keys of a data folder.
#[derive(Debug)]
pub struct Keys {
    path: PathBuf,
    keys: RwLock<Vec<AccessKey>>,
}

impl Keys {
    /// Reads the stored keys. A new data folder has none until [`Keys::of`] is called.
    pub fn open(path: &Path) -> Result<Self, KeysError> {
        let keys = match std::fs::read(path) {
            Ok(json) => {
                let file: KeysFile = serde_json::from_slice(&json)
                    .map_err(|source| KeysError::Malformed { path: path.to_owned(), source })?;
                file.keys
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(source) => return Err(KeysError::Io { path: path.to_owned(), source }),
        };
        Ok(Self { path: path.to_owned(), keys: RwLock::new(keys) })
    }

    /// Returns the owner's key. Generates and stores one if there is none.
    pub fn of(&self, owner: &Owner) -> Result<AccessKey, KeysError> {
        let mut keys = self.keys.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(key) = keys.iter().find(|key| key.owner == *owner) {
            return Ok(key.clone());
        }
        let key = AccessKey {
            owner: owner.clone(),
            id: format!("CC{}", random_text(18, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")?),
            secret: random_text(40, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")?,
        };
        keys.push(key.clone());
        let io = |source| KeysError::Io { path: self.path.clone(), source };
        let json = serde_json::to_vec_pretty(&KeysFile { version: 1, keys: keys.clone() }).map_err(io::Error::from);
        files::write_atomically(&self.path, &json.map_err(io)?).map_err(io)?;
        Ok(key)
    }

    /// Returns the key with this public id.
    pub(crate) fn find(&self, id: &str) -> Option<AccessKey> {
        let keys = self.keys.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        keys.iter().find(|key| key.id == id).cloned()
    }
}

/// Random text of `len` characters. The alphabet has 32 or 64 characters, which divide 256, so all are equally likely.
fn random_text(len: usize, alphabet: &[u8]) -> Result<String, getrandom::Error> {
    let mut bytes = vec![0; len];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()])).collect())
}

/// 128 random bits in lower-case hex.
pub(crate) fn random_id() -> Result<String, getrandom::Error> {
    random_text(32, b"0123456789abcdef0123456789abcdef")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_generated_once_and_stored() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        let keys = Keys::open(&path).unwrap();
        let mine = keys.of(&Owner::default()).unwrap();
        let other = keys.of(&"other".parse().unwrap()).unwrap();
        assert_eq!((mine.id.len(), mine.secret.len()), (20, 40));
        assert!(mine.id != other.id && mine.secret != other.secret);
        let again = Keys::open(&path).unwrap();
        assert_eq!(again.of(&Owner::default()).unwrap(), mine);
        assert_eq!(again.find(&other.id), Some(other));
        assert_eq!(again.find("CC"), None);
    }

    #[test]
    fn an_invalid_file_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        std::fs::write(&path, "{").unwrap();
        assert!(Keys::open(&path).unwrap_err().to_string().contains("remove it"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{");
    }
}

//! The project key, after which the builder's folder and cache are named. Each project on each device has its own.

use std::io::{ErrorKind, Write};
use std::path::Path;

use anyhow::Context;
use data_encoding::HEXLOWER;
use protocol::ProjectKey;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};

/// The key of the workspace at `root`, which stays the same on the same device. `folder` contains the device's id.
pub fn project_key(name: &str, root: &Path, folder: &Path) -> anyhow::Result<ProjectKey> {
    let device = device_id(folder)?;
    Ok(ProjectKey::new(name, &identity(&device, root))?)
}

/// The key of a crate that is installed, which is the same on all devices of an owner. `what` distinguishes it from
/// other installs of the same name.
pub fn install_key(name: &str, what: &[&str]) -> anyhow::Result<ProjectKey> {
    Ok(ProjectKey::new(name, &shortened_sha256(&format!("install\0{}", what.join("\0"))))?)
}

fn identity(device: &str, root: &Path) -> String {
    shortened_sha256(&format!("{device}\0{}", root.display()))
}

fn shortened_sha256(text: &str) -> String {
    HEXLOWER.encode(&digest(&SHA256, text.as_bytes()).as_ref()[..10])
}

/// The device's id: random, created once and stored, since the names of host and user are the same on every Termux.
fn device_id(folder: &Path) -> anyhow::Result<String> {
    let path = folder.join("device");
    let read = || std::fs::read_to_string(&path).map(|text| text.trim().to_owned());
    match read() {
        Ok(id) if !id.is_empty() => return Ok(id),
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("could not read `{}`", path.display()));
        }
        _ => {}
    }
    let mut random = [0u8; 16];
    SystemRandom::new().fill(&mut random).ok().context("the device gave no random numbers")?;
    let id = HEXLOWER.encode(&random);
    let written = tempfile::NamedTempFile::new_in(folder).and_then(|mut file| {
        file.write_all(id.as_bytes())?;
        // If another process was faster, its id is used.
        file.persist_noclobber(&path).map(drop).map_err(|error| error.error)
    });
    match written {
        Ok(()) => Ok(id),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => read().context("could not read the device's id"),
        // The folder is read-only, so the device's host name and user id are used instead.
        Err(_) => {
            let node = rustix::system::uname().nodename().to_string_lossy().into_owned();
            Ok(format!("{node}/{}", rustix::process::getuid().as_raw()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_stable_and_differs_between_devices_and_folders() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let key = |folder: &Path, root: &str| project_key("My App", Path::new(root), folder).unwrap();
        let first = key(one.path(), "/a");
        assert_eq!(first, key(one.path(), "/a"));
        assert_ne!(first, key(one.path(), "/b"));
        assert_ne!(first, key(two.path(), "/a"));
        assert!(first.as_str().starts_with("my-app-"));
    }
}

//! Whom the builder's folder and cache belong to: this project on this device.

use std::io::{ErrorKind, Write};
use std::path::Path;

use anyhow::Context;
use data_encoding::HEXLOWER;
use protocol::ProjectKey;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};

/// The key of the workspace at `root`, which the same device makes the same each time. `folder` keeps the device's id.
pub fn project_key(name: &str, root: &Path, folder: &Path) -> anyhow::Result<ProjectKey> {
    let device = device_id(folder)?;
    Ok(ProjectKey::new(name, &identity(&device, root))?)
}

/// The key of what is installed from elsewhere, which is the same for all devices of an owner. `what` tells it apart.
pub fn install_key(name: &str, what: &[&str]) -> anyhow::Result<ProjectKey> {
    Ok(ProjectKey::new(name, &shortened_sha256(&format!("install\0{}", what.join("\0"))))?)
}

fn identity(device: &str, root: &Path) -> String {
    shortened_sha256(&format!("{device}\0{}", root.display()))
}

fn shortened_sha256(text: &str) -> String {
    HEXLOWER.encode(&digest(&SHA256, text.as_bytes()).as_ref()[..10])
}

/// A random text made once: names of hosts and users are all the same in Termux.
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
        // Another process may have been first; its id is as good, and one must do.
        file.persist_noclobber(&path).map(drop).map_err(|error| error.error)
    });
    match written {
        Ok(()) => Ok(id),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => read().context("could not read the device's id"),
        // A configuration that is mounted read-only: what the system calls this device must do.
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
    fn a_key_is_lasting_and_tells_devices_and_folders_apart() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let key = |folder: &Path, root: &str| project_key("My App", Path::new(root), folder).unwrap();
        let first = key(one.path(), "/a");
        assert_eq!(first, key(one.path(), "/a"));
        assert_ne!(first, key(one.path(), "/b"));
        assert_ne!(first, key(two.path(), "/a"));
        assert!(first.as_str().starts_with("my-app-"));
    }
}

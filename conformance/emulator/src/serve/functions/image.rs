//! What a function sees of this machine beside its program.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The content of a function's package.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Image {
    /// Files and folders of this machine, by where the function finds them: all under /mnt.
    pub shown: Vec<(PathBuf, PathBuf)>,
    /// Variables the image sets.
    pub environment: BTreeMap<String, String>,
    /// And its PATH.
    pub path: String,
}

/// What everybody has at the same place.
const SYSTEM: [&str; 3] = ["/usr", "/bin", "/sbin"];

const SYSTEM_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

impl Image {
    /// A zip package: the program and nothing more.
    pub fn archive(program: &Path) -> Self {
        Self {
            shown: vec![("/mnt/task/bootstrap".into(), program.to_owned())],
            environment: BTreeMap::new(),
            path: SYSTEM_PATH.to_owned(),
        }
    }

    /// A container image: the program, this machine's Rust, and more variables. One whose value is a path of this
    /// machine becomes the path under which the function finds the same thing.
    pub fn container(program: &Path, variables: &[(String, String)]) -> Self {
        let mut image = Self::archive(program);
        if let Some(cargo) = folder_of("cargo")
            && let Some(rustup) = rustup_home()
        {
            image.shown.push(("/mnt/cargo/bin".into(), cargo));
            image.shown.push(("/mnt/rustup".into(), rustup));
            image.environment.insert("RUSTUP_HOME".to_owned(), "/mnt/rustup".to_owned());
            image.path = format!("/mnt/cargo/bin:{SYSTEM_PATH}");
        }
        for (name, value) in variables {
            let path = Path::new(value);
            if name == "PATH" {
                image.show_path(value);
            } else if path.is_absolute() && path.exists() {
                let inside = format!("/mnt/given/{name}");
                image.shown.push((inside.clone().into(), path.to_owned()));
                image.environment.insert(name.clone(), inside);
            } else {
                image.environment.insert(name.clone(), value.clone());
            }
        }
        image
    }
}

impl Image {
    /// Takes a PATH of this machine: its folders, but the system's, are shown under other names.
    fn show_path(&mut self, path: &str) {
        let mut folders = Vec::new();
        for (number, folder) in std::env::split_paths(path).filter(|folder| folder.is_dir()).enumerate() {
            if SYSTEM.iter().any(|start| folder.starts_with(start)) {
                folders.push(folder);
            } else {
                let inside = PathBuf::from(format!("/mnt/path/{number}"));
                self.shown.push((inside.clone(), folder));
                folders.push(inside);
            }
        }
        let folders: Vec<_> = folders.iter().map(|folder| folder.to_string_lossy()).collect();
        self.path = folders.join(":");
    }
}

/// The folder of PATH that has this program.
fn folder_of(program: impl AsRef<OsStr>) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).find(|folder| folder.join(program.as_ref()).is_file())
}

fn rustup_home() -> Option<PathBuf> {
    let named = std::env::var_os("RUSTUP_HOME").map(PathBuf::from);
    let usual = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".rustup"));
    named.or_else(usual).filter(|folder| folder.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_this_machine_are_shown_under_another_name() {
        let variables = [("A", "/proc/self"), ("B", "/no/such/folder"), ("C", "text")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let image = Image::container(Path::new("/x"), &variables);
        let value = |name: &str| image.environment.get(name).map(String::as_str);
        assert_eq!((value("A"), value("B"), value("C")), (Some("/mnt/given/A"), Some("/no/such/folder"), Some("text")));
        assert!(image.shown.contains(&("/mnt/given/A".into(), "/proc/self".into())));
        assert!(image.path.ends_with(SYSTEM_PATH));
        let path = [("PATH".to_owned(), "/proc/self:/usr/bin:/no/such/folder:/bin".to_owned())];
        let image = Image::container(Path::new("/x"), &path);
        assert_eq!(image.path, "/mnt/path/0:/usr/bin:/bin");
        assert!(image.shown.contains(&("/mnt/path/0".into(), "/proc/self".into())));
    }
}

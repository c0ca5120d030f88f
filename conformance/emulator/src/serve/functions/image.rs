//! The part of this machine that a function can see, besides its program.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The content of a function's package.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Image {
    /// Files and folders of this machine that the function can see: first the path inside the sandbox, which is under
    /// /mnt, then the path on this machine.
    pub shown: Vec<(PathBuf, PathBuf)>,
    /// Environment variables that the image sets.
    pub environment: BTreeMap<String, String>,
    /// The PATH that the image sets.
    pub path: String,
}

/// A variable that a function's image sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageVariable {
    /// The function, with or without the prefix of the platform.
    pub function: String,
    /// The name of the variable.
    pub name: String,
    /// Its value. A path of this machine becomes a path inside the sandbox.
    pub value: String,
}

/// Folders that every sandbox has at the same path as this machine.
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

    /// A container image: the program, this machine's Rust, and more variables. A value that is a path of this machine
    /// becomes the path under which the function finds the same file or folder.
    pub fn container<'a>(program: &Path, variables: impl IntoIterator<Item = &'a ImageVariable>) -> Self {
        let mut image = Self::archive(program);
        if let Some(cargo) = folder_of("cargo")
            && let Some(rustup) = rustup_home()
        {
            image.shown.push(("/mnt/cargo/bin".into(), cargo));
            image.shown.push(("/mnt/rustup".into(), rustup));
            image.environment.insert("RUSTUP_HOME".to_owned(), "/mnt/rustup".to_owned());
            image.path = format!("/mnt/cargo/bin:{SYSTEM_PATH}");
        }
        for ImageVariable { name, value, .. } in variables {
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
    /// Sets a PATH of this machine. Its folders are shown under other names, except those of the system.
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

/// The first folder of PATH that contains this program.
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
        let variable = |name: &str, value: &str| {
            let (function, name, value) = ("compile".to_owned(), name.to_owned(), value.to_owned());
            ImageVariable { function, name, value }
        };
        let variables = variables.map(|(name, value)| variable(name, value));
        let image = Image::container(Path::new("/x"), &variables);
        let value = |name: &str| image.environment.get(name).map(String::as_str);
        assert_eq!((value("A"), value("B"), value("C")), (Some("/mnt/given/A"), Some("/no/such/folder"), Some("text")));
        assert!(image.shown.contains(&("/mnt/given/A".into(), "/proc/self".into())));
        assert!(image.path.ends_with(SYSTEM_PATH));
        let path = [variable("PATH", "/proc/self:/usr/bin:/no/such/folder:/bin")];
        let image = Image::container(Path::new("/x"), &path);
        assert_eq!(image.path, "/mnt/path/0:/usr/bin:/bin");
        assert!(image.shown.contains(&("/mnt/path/0".into(), "/proc/self".into())));
    }
}

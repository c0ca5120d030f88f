//! The folder into which programs are installed, chosen as cargo chooses it.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// An install root: a folder with `bin` for the programs, and cargo's records of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstallRoot(PathBuf);

impl InstallRoot {
    /// The first that is given: `--root`, `CARGO_INSTALL_ROOT`, `install.root` of cargo's configuration, cargo's home.
    ///
    /// # Errors
    /// If there is none of them.
    pub fn choose(
        flag: Option<&Path>,
        cwd: &Path,
        env: impl Fn(&str) -> Option<PathBuf>,
        configured: Option<PathBuf>,
        cargo_home: Option<&Path>,
    ) -> anyhow::Result<Self> {
        let chosen = flag
            .map(Path::to_path_buf)
            .or_else(|| env("CARGO_INSTALL_ROOT"))
            .or(configured)
            .or_else(|| cargo_home.map(Path::to_path_buf));
        let chosen =
            chosen.context("there is no folder to install into, because HOME isn't set; name one with --root DIR")?;
        Ok(Self(cwd.join(chosen)))
    }

    /// The install root at `folder`, an absolute path.
    pub fn at(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// The folder that has `bin` and the records.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// The folder for the programs.
    pub fn bin(&self) -> PathBuf {
        self.0.join("bin")
    }

    /// Checks, before anything is sent, that programs can be installed. Makes the folder if it is missing.
    ///
    /// # Errors
    /// If the folder or the records can't be written.
    pub fn check_writable(&self) -> anyhow::Result<()> {
        let bin = self.bin();
        let tried =
            std::fs::create_dir_all(&bin).and_then(|()| tempfile::NamedTempFile::new_in(&bin).map(drop)).and_then(
                |()| std::fs::OpenOptions::new().create(true).append(true).open(self.0.join(".crates.toml")).map(drop),
            );
        if let Err(error) = tried {
            bail!(
                "can't install into `{}`: {error}; choose another folder with --root DIR, or build without installing with --no-install",
                bin.display()
            );
        }
        Ok(())
    }

    /// Cargo's warning if `bin` isn't in `path`, the value of PATH; else none.
    pub fn path_warning(&self, path: Option<&std::ffi::OsStr>) -> Option<String> {
        let bin = self.bin();
        let same = |folder: PathBuf| {
            folder == bin || folder.canonicalize().ok() == bin.canonicalize().ok().filter(|_| folder.is_dir())
        };
        let found = path.is_some_and(|path| std::env::split_paths(path).any(same));
        (!found).then(|| {
            format!("be sure to add `{}` to your PATH to be able to run the installed binaries", bin.display())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_chosen_in_cargos_order() {
        let choose = |flag: Option<&str>, variable: Option<&str>, configured: Option<&str>, home: Option<&str>| {
            let env = |name: &str| variable.filter(|_| name == "CARGO_INSTALL_ROOT").map(PathBuf::from);
            InstallRoot::choose(
                flag.map(Path::new),
                Path::new("/cwd"),
                env,
                configured.map(PathBuf::from),
                home.map(Path::new),
            )
            .map(|root| root.folder().display().to_string())
        };
        assert_eq!(choose(Some("r"), Some("/v"), Some("/c"), Some("/h")).unwrap(), "/cwd/r");
        assert_eq!(choose(None, Some("/v"), Some("/c"), Some("/h")).unwrap(), "/v");
        assert_eq!(choose(None, None, Some("/c"), Some("/h")).unwrap(), "/c");
        assert_eq!(choose(None, None, None, Some("/h")).unwrap(), "/h");
        assert!(choose(None, None, None, None).is_err());
    }

    #[test]
    fn a_folder_outside_of_path_is_reported() {
        let temp = tempfile::tempdir().unwrap();
        let root = InstallRoot(temp.path().to_path_buf());
        root.check_writable().unwrap();
        assert!(root.path_warning(None).unwrap().contains("PATH"));
        assert_eq!(root.path_warning(Some(root.bin().join("../bin").as_os_str())), None);
        let file = temp.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = InstallRoot(file).check_writable().unwrap_err().to_string();
        assert!(error.contains("--root DIR"), "{error}");
    }
}

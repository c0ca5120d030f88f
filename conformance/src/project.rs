//! Projects to build, each written for one scenario.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::SystemTime;

use tempfile::TempDir;

/// A project in a temporary folder.
pub struct ScenarioProject {
    folder: TempDir,
    root: PathBuf,
}

/// The manifest of a program without dependencies.
pub fn program(name: &str) -> String {
    format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n")
}

/// The manifest of a library without dependencies.
pub fn library(name: &str) -> String {
    program(name) + "[lib]\n"
}

impl ScenarioProject {
    /// An empty project in a folder called `project`.
    pub fn new() -> Self {
        Self::named("project")
    }

    /// An empty project in a folder of this name.
    pub fn named(name: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("source-").tempdir().expect("a temporary folder");
        let root = folder.path().canonicalize().expect("a real path").join(name);
        fs::create_dir(&root).expect("the project's folder");
        Self { folder, root }
    }

    /// A program `name` that prints `text`.
    pub fn hello(name: &str, text: &str) -> Self {
        let main = format!("fn main() {{\n    println!(\"{text}\");\n}}\n");
        Self::new().file("Cargo.toml", program(name)).file("src/main.rs", main)
    }

    /// Adds a file. The path starts at the root; `../` leads outside.
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.write(path, content);
        self
    }

    /// Writes a file below the root, with its folders.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
        fs::write(path, content).expect("the file");
    }

    /// Writes a file and keeps its modification time.
    pub fn write_keeping_time(&self, path: &str, content: &str) {
        let time = self.modified(path);
        self.write(path, content);
        let file = fs::File::options().write(true).open(self.root.join(path)).expect("the file");
        file.set_modified(time).expect("its time");
    }

    fn modified(&self, path: &str) -> SystemTime {
        fs::metadata(self.root.join(path)).and_then(|meta| meta.modified()).expect("the file's time")
    }

    /// Sets the permissions of a file.
    pub fn mode(self, path: &str, mode: u32) -> Self {
        fs::set_permissions(self.root.join(path), fs::Permissions::from_mode(mode)).expect("permissions");
        self
    }

    /// Makes a symbolic link below the root.
    pub fn link(self, path: &str, target: &str) -> Self {
        std::os::unix::fs::symlink(target, self.root.join(path)).expect("a link");
        self
    }

    /// Reads a text file below the root.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
    }

    /// Removes a file below the root.
    pub fn remove(&self, path: &str) {
        fs::remove_file(self.root.join(path)).expect("the file goes");
    }

    /// The root folder of the project.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder that contains the root.
    pub fn outside(&self) -> &Path {
        self.folder.path()
    }

    /// A path below the root.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// Runs the real cargo in a copy of the project, with its output on a pipe. Returns the exit code, standard output and
    /// standard error, in which the path of the copy is replaced by the project's own.
    pub fn cargo(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let copy = tempfile::tempdir().expect("a temporary folder");
        let root = copy.path().canonicalize().expect("a real path").join("copy");
        let status = Command::new("cp").arg("-a").arg(&self.root).arg(&root).status().expect("cp starts");
        assert!(status.success());
        let Output { status, stdout, stderr } = Command::new(env!("CARGO"))
            .args(arguments)
            .current_dir(&root)
            .env("CARGO_HOME", copy.path())
            .env_remove("CARGO_TARGET_DIR")
            .env_remove("RUSTC_WRAPPER")
            .output()
            .expect("cargo starts");
        let text = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).expect("cargo prints UTF-8");
            text.replace(&*root.to_string_lossy(), &self.root.to_string_lossy())
        };
        (status.code(), text(stdout), text(stderr))
    }
}

impl Default for ScenarioProject {
    fn default() -> Self {
        Self::new()
    }
}

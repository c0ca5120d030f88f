//! Git repositories, served by git's own `http-backend`.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::http::{RegistryReply, RegistryRequest};

/// A git repository with a working tree.
pub struct ServedRepository {
    folder: PathBuf,
    /// The address to clone it from.
    pub url: String,
}

impl ServedRepository {
    pub(super) fn create(folder: &Path, url: String) -> Self {
        std::fs::create_dir_all(folder).expect("a folder");
        let repository = Self { folder: folder.to_owned(), url };
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository
    }

    /// Writes a file into the working tree.
    pub fn file(&self, path: &str, content: &str) -> &Self {
        let path = self.folder.join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
        std::fs::write(path, content).expect("the file");
        self
    }

    /// Writes a package with a program that prints a text.
    pub fn program(&self, name: &str, version: &str, text: &str) -> &Self {
        let manifest = format!("[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2024\"\n");
        let main = format!("fn main() {{\n    println!(\"{text}\");\n}}\n");
        self.file("Cargo.toml", &manifest).file("src/main.rs", &main)
    }

    /// Commits everything and returns the hash of the commit.
    pub fn commit(&self) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message=next"]);
        self.git(&["rev-parse", "HEAD"]).trim().to_owned()
    }

    /// Runs git in the repository's folder.
    pub fn git(&self, arguments: &[&str]) -> String {
        let identity = ["-c", "user.name=suite", "-c", "user.email=suite@example.com", "-c", "commit.gpgsign=false"];
        let output = Command::new("git").args(identity).args(arguments).current_dir(&self.folder).output();
        let output = output.expect("git starts");
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

/// Answers as git does (git-scm.com/docs/git-http-backend).
pub(super) fn serve(repositories: &Path, path: &str, request: &RegistryRequest) -> RegistryReply {
    let mut parts = path.trim_start_matches('/').splitn(2, '/');
    let (name, rest) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let mut command = Command::new("git");
    command
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", repositories)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", format!("/{name}/.git/{rest}"))
        .env("REQUEST_METHOD", &request.method)
        .env("QUERY_STRING", &request.query)
        // The folder belongs to the user who runs the suite.
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "safe.directory")
        .env("GIT_CONFIG_VALUE_0", "*")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let variables = [
        ("content-type", "CONTENT_TYPE"),
        ("content-encoding", "HTTP_CONTENT_ENCODING"),
        ("git-protocol", "GIT_PROTOCOL"),
    ];
    for (header, variable) in variables {
        if let Some(value) = request.header(header) {
            command.env(variable, value);
        }
    }
    command.env("CONTENT_LENGTH", request.body.len().to_string());
    let mut child = command.spawn().expect("git starts");
    let (mut stdin, body) = (child.stdin.take().expect("piped"), request.body.clone());
    let writer = std::thread::spawn(move || stdin.write_all(&body));
    let mut output = Vec::new();
    child.stdout.take().expect("piped").read_to_end(&mut output).expect("its answer");
    let _ = writer.join();
    let _ = child.wait();
    let Some(end) = output.windows(4).position(|window| window == b"\r\n\r\n") else {
        return RegistryReply::status(500);
    };
    let mut reply = RegistryReply::ok(output[end + 4..].to_vec());
    for line in String::from_utf8_lossy(&output[..end]).lines() {
        let Some((name, value)) = line.split_once(": ") else { continue };
        if name == "Status" {
            reply.status = value.split(' ').next().and_then(|code| code.parse().ok()).unwrap_or(500);
        } else {
            reply.headers.push((name.to_owned(), value.to_owned()));
        }
    }
    reply
}

//! A registry and git repositories for one scenario, served on loopback. Scenarios install everything from here and need
//! no network.

mod crates;
mod http;
mod repository;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

pub use crates::Crate;
use crates::Published;
use http::{RegistryReply, RegistryRequest, Server};
pub use repository::ServedRepository;

/// A sparse registry (doc.rust-lang.org/cargo, registry index), and a server for git over HTTP.
pub struct Registry {
    server: Server,
    state: Arc<RegistryState>,
    folder: TempDir,
}

#[derive(Default)]
struct RegistryState {
    published: Mutex<Vec<Published>>,
    requests: Mutex<Vec<String>>,
    repositories: PathBuf,
}

impl Registry {
    /// Starts a registry without any crate.
    pub fn start() -> Self {
        // Not in the temporary folder, because a Lambda's sandbox has its own.
        let target = crate::binaries::client_binary();
        let folder = tempfile::Builder::new().prefix("registry-").tempdir_in(target.parent().expect("a folder"));
        let folder = folder.expect("a temporary folder");
        let repositories = folder.path().join("git");
        std::fs::create_dir(&repositories).expect("a folder");
        let state = Arc::new(RegistryState { repositories, ..RegistryState::default() });
        let served = state.clone();
        let server = Server::start(move |request, port| served.answer(request, port));
        let config = format!(
            "[source.crates-io]\nreplace-with = \"fixture\"\n[source.fixture]\nregistry = \"{}\"\n",
            index(server.port())
        );
        std::fs::write(folder.path().join("config.toml"), config).expect("a configuration");
        Self { server, state, folder }
    }

    /// The file with a cargo configuration that replaces crates.io by this registry.
    pub fn cargo_config(&self) -> PathBuf {
        self.folder.path().join("config.toml")
    }

    /// The address of its index for `--index`.
    pub fn index(&self) -> String {
        index(self.server.port())
    }

    /// Publishes a version of a crate.
    pub fn publish(&self, new: Crate) {
        self.state.published.lock().expect("no panic").push(new.publish());
    }

    /// Yanks a version of a crate.
    pub fn yank(&self, name: &str, version: &str) {
        let mut published = self.state.published.lock().expect("no panic");
        let found = published.iter_mut().find(|one| one.name == name && one.version == version);
        found.expect("it was published").yanked = true;
    }

    /// The requests since the last call of this function.
    pub fn requests(&self) -> Vec<String> {
        std::mem::take(&mut *self.state.requests.lock().expect("no panic"))
    }

    /// Makes a git repository that anyone can clone.
    pub fn repository(&self, name: &str) -> ServedRepository {
        ServedRepository::create(&self.state.repositories.join(name), self.url(name))
    }

    /// The address of a repository. One whose name starts with `private` needs a password.
    pub fn url(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}/git/{name}", self.server.port())
    }
}

fn index(port: u16) -> String {
    format!("sparse+http://127.0.0.1:{port}/index/")
}

impl RegistryState {
    fn answer(&self, request: &RegistryRequest, port: u16) -> RegistryReply {
        self.requests.lock().expect("no panic").push(format!("{} {}", request.method, request.path));
        let published = self.published.lock().expect("no panic");
        let parts: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
        match parts.as_slice() {
            ["index", "config.json"] => RegistryReply::ok(
                format!("{{\"dl\":\"http://127.0.0.1:{port}/dl/{{crate}}/{{version}}\"}}").into_bytes(),
            ),
            ["index", .., name] => {
                let lines = published.iter().filter(|one| one.name.to_lowercase() == *name);
                let text: String = lines.map(|one| one.index_line() + "\n").collect();
                if text.is_empty() { RegistryReply::status(404) } else { RegistryReply::ok(text.into_bytes()) }
            }
            ["dl", name, version] => {
                let found = published.iter().find(|one| one.name == *name && one.version == *version);
                found.map_or(RegistryReply::status(404), |one| RegistryReply::ok(one.archive.clone()))
            }
            ["git", name, ..] if name.starts_with("private") => RegistryReply::unauthorized(),
            ["git", rest @ ..] => {
                drop(published);
                repository::serve(Path::new(&self.repositories), &format!("/{}", rest.join("/")), request)
            }
            _ => RegistryReply::status(404),
        }
    }
}

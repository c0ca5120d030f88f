//! The backend: its parts, wired together from the command line's options.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use builder::{Engine, EngineConfig};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::builds::{BuildFolders, BuildLimits, Builds};
use crate::data::DataFolder;
use crate::http::{self, Interfaces};
use crate::keys::Keys;
use crate::objects::{Objects, Uploads};
use crate::options::{ClientConfig, Options};
use crate::socket::Socket;
use crate::{client_config, s3, setup};

/// How long running builds may take to end when the backend is stopped.
const BUILD_PATIENCE: Duration = Duration::from_secs(8);

/// How long followers may take to receive the last events after that.
const FOLLOWER_PATIENCE: Duration = Duration::from_secs(2);

/// A client whose configuration was written.
#[derive(Debug, Clone)]
pub struct ConfiguredClient {
    /// The file that its configuration was written to, and whose it is.
    pub config: ClientConfig,
    /// Name of the backend that it uses when none is named.
    pub chosen: String,
}

/// A running backend: the server, the builds and the sockets.
pub struct LocalBackend {
    address: SocketAddr,
    data: DataFolder,
    clients: Vec<ConfiguredClient>,
    client_lines: Vec<String>,
    builds: Arc<Builds>,
    socket: Arc<Socket>,
    stop: CancellationToken,
    server: JoinHandle<()>,
}

impl LocalBackend {
    /// Starts: locks the data folder, ends or queues the builds in it, and listens.
    pub async fn start(options: &Options) -> Result<Self> {
        let path = match &options.data {
            Some(path) => path.clone(),
            None => DataFolder::default_path()?,
        };
        let data = DataFolder::open(&path)?;
        let keys = Arc::new(Keys::open(&data.keys())?);
        keys.of(&protocol::Owner::default())?;

        // First of all: whether the address is free.
        let listener = TcpListener::bind(options.listen).await.with_context(|| {
            format!("can't listen on {}; choose another address or port with --listen", options.listen)
        })?;
        let address = listener.local_addr().context("could not read the listening address")?;

        let mut config = EngineConfig::new(data.work());
        config.cargo_config.clone_from(&options.cargo_config);
        config.linkers = options.linker.iter().cloned().collect();
        config.android_setup = setup::of_data_folder(data.root());
        let engine = Engine::new(config).await?;
        let objects = Objects::new(data.objects(), data.staging());
        let uploads = Uploads::new(data.uploads(), &objects);
        let folders = BuildFolders { builds: data.builds(), attempts: data.attempts(), projects: data.projects() };
        let limits = BuildLimits { jobs: jobs(options), attempt: options.attempt_limit };
        let builds = Builds::new(folders, objects.clone(), engine, limits);
        builds.recover().await.context("could not read the stored builds")?;

        let mut clients = Vec::new();
        for wanted in &options.client_config {
            let key = keys.of(&wanted.owner)?;
            let chosen = client_config::write(&wanted.file, &reachable(address).to_string(), &key)?;
            clients.push(ConfiguredClient { config: wanted.clone(), chosen });
        }

        let mut client_lines = Vec::new();
        for owner in &options.client_line {
            client_lines.push(client_config::line(&reachable(address).to_string(), &keys.of(owner)?));
        }

        let stop = CancellationToken::new();
        let socket = Arc::new(Socket::new(builds.clone(), keys.clone()));
        let s3 = s3::service(objects, uploads.clone(), builds.clone(), keys);
        let server = tokio::spawn(http::serve(listener, Interfaces { s3, socket: socket.clone() }, stop.clone()));
        tokio::spawn(builds.clone().dispatch());
        let tidy = builds.clone();
        tokio::spawn(async move { tidy.keep_tidy(&uploads).await });
        Ok(Self { address, data, clients, client_lines, builds, socket, stop, server })
    }

    /// The address and port that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The folder that holds its data.
    pub fn data(&self) -> &DataFolder {
        &self.data
    }

    /// Clients whose configuration was written.
    pub fn clients(&self) -> &[ConfiguredClient] {
        &self.clients
    }

    /// Lines to paste on devices, one for each owner asked for.
    pub fn client_lines(&self) -> &[String] {
        &self.client_lines
    }

    /// Stops: accepts no more requests, cancels running builds, and sends their results to the followers.
    pub async fn stop(self) {
        self.stop.cancel();
        // Waits until the port is free.
        let _ = self.server.await;
        self.builds.stop(BUILD_PATIENCE).await;
        // A follower that is too slow resumes, or reads the result, after the next start.
        let _ = tokio::time::timeout(FOLLOWER_PATIENCE, self.socket.close()).await;
    }
}

/// Builds at a time: cargo itself uses all cores.
fn jobs(options: &Options) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    options.jobs.map_or((cores / 4).max(1), usize::from)
}

/// The address a client uses. "All addresses" is none: then it is the one this machine would use towards others.
pub fn reachable(address: SocketAddr) -> SocketAddr {
    if !address.ip().is_unspecified() {
        return address;
    }
    // Connecting a UDP socket sends nothing, it only chooses an address. The other one is from a range kept for
    // documentation (RFC 5737).
    let own = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).and_then(|socket| {
        socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9))?;
        Ok(socket.local_addr()?.ip())
    });
    let own = own.ok().filter(|ip| !ip.is_unspecified()).unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    SocketAddr::new(own, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_given_an_address_it_can_connect_to() {
        let fixed: SocketAddr = "127.0.0.1:7".parse().unwrap();
        assert_eq!(reachable(fixed), fixed);
        let any = reachable("0.0.0.0:7".parse().unwrap());
        assert!(!any.ip().is_unspecified() && any.port() == 7, "{any}");
    }
}

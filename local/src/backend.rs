//! Creates the parts of the backend from the command line's options and connects them.

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

/// How long a stopping backend waits for running builds to end.
const BUILD_PATIENCE: Duration = Duration::from_secs(8);

/// How long a stopping backend then waits for followers to receive the last events.
const FOLLOWER_PATIENCE: Duration = Duration::from_secs(2);

/// A client whose configuration file this backend has written.
#[derive(Debug, Clone)]
pub struct ConfiguredClient {
    /// Path of the configuration file, and the owner that its keys belong to.
    pub config: ClientConfig,
    /// Name of the backend that this client uses by default.
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
    /// Locks the data folder, ends or queues the builds of earlier runs, and starts to listen.
    pub async fn start(options: &Options) -> Result<Self> {
        let path = match &options.data {
            Some(path) => path.clone(),
            None => DataFolder::default_path()?,
        };
        let data = DataFolder::open(&path)?;
        let keys = Arc::new(Keys::open(&data.keys())?);
        keys.of(&protocol::Owner::default())?;

        // Bound before the engine is created, so that a taken address is reported at once.
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

    /// The address and port that this backend listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The folder that holds this backend's data.
    pub fn data(&self) -> &DataFolder {
        &self.data
    }

    /// Clients whose configuration file was written at the start.
    pub fn clients(&self) -> &[ConfiguredClient] {
        &self.clients
    }

    /// Lines to paste on devices, one for each `--client-line` option.
    pub fn client_lines(&self) -> &[String] {
        &self.client_lines
    }

    /// Stops accepting requests, cancels running builds, and sends their results to the followers.
    pub async fn stop(self) {
        self.stop.cancel();
        // Waits until the port is free.
        let _ = self.server.await;
        self.builds.stop(BUILD_PATIENCE).await;
        // A follower that misses these events resumes after the next start, or reads the result from the bucket.
        let _ = tokio::time::timeout(FOLLOWER_PATIENCE, self.socket.close()).await;
    }
}

/// How many builds run at the same time. The default is a quarter of the cores, since cargo itself uses all of them.
fn jobs(options: &Options) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    options.jobs.map_or((cores / 4).max(1), usize::from)
}

/// The address that clients connect to. If the backend listens on all addresses, this is the one that this machine uses
/// for outgoing connections.
pub fn reachable(address: SocketAddr) -> SocketAddr {
    if !address.ip().is_unspecified() {
        return address;
    }
    // Connecting a UDP socket sends nothing; it only selects the local address. The remote address is from a range that
    // is reserved for documentation (RFC 5737).
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

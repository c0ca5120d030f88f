//! A TLS server in front of a backend, with a certificate authority of its own.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection};

/// How often to check whether either side has sent something.
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// A server for `localhost` that decrypts requests and passes them on.
pub struct Tls {
    /// The port that the server listens on.
    pub port: u16,
    /// The file with the authority's certificate.
    pub authority: PathBuf,
}

impl Tls {
    /// Starts a server in front of a port, which runs until this process ends. It writes the authority's certificate into
    /// `folder`. `expired`: the server's own certificate has expired.
    pub fn before(port: u16, folder: &Path, expired: bool) -> Self {
        let authority_key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&authority_key).expect("an authority");
        let authority = folder.join("authority.pem");
        std::fs::write(&authority, certificate.pem()).expect("its certificate");

        let key = KeyPair::generate().expect("a key");
        let mut server = CertificateParams::new(["localhost".to_owned()]).expect("a name");
        if expired {
            server.not_after = date_time_ymd(2001, 1, 1);
        }
        let issuer = Issuer::new(params, authority_key);
        let chain: Vec<CertificateDer> = vec![server.signed_by(&key, &issuer).expect("a certificate").into()];
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|config| config.with_no_client_auth().with_single_cert(chain, key));
        let config = Arc::new(config.expect("TLS"));

        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let own = listener.local_addr().expect("its number").port();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let config = config.clone();
                // The connection ends when either side ends it.
                std::thread::spawn(move || drop(carry(client, port, config)));
            }
        });
        Self { port: own, authority }
    }
}

fn carry(mut client: TcpStream, port: u16, config: Arc<ServerConfig>) -> std::io::Result<()> {
    let mut tls = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut backend = TcpStream::connect(("127.0.0.1", port))?;
    client.set_nonblocking(true)?;
    let mut buffer = [0; 16 * 1024];
    loop {
        let mut idle = true;
        while tls.wants_write() && happened(tls.write_tls(&mut client))?.is_some() {}
        if tls.wants_read()
            && let Some(read) = happened(tls.read_tls(&mut client))?
        {
            idle = false;
            if let Err(error) = tls.process_new_packets() {
                // Send the alert that tells the client why.
                let _ = tls.write_tls(&mut client);
                return Err(std::io::Error::other(error));
            }
            while let Some(size @ 1..) = happened(tls.reader().read(&mut buffer))? {
                backend.set_nonblocking(false)?;
                backend.write_all(&buffer[..size])?;
            }
            if read == 0 {
                return Ok(());
            }
        }
        backend.set_nonblocking(true)?;
        // Read only as much as is written at once, so that no data accumulates.
        if !tls.wants_write()
            && let Some(size) = happened(backend.read(&mut buffer))?
        {
            idle = false;
            if size == 0 {
                tls.send_close_notify();
                tls.write_tls(&mut client)?;
                return Ok(());
            }
            tls.writer().write_all(&buffer[..size])?;
        }
        if idle {
            std::thread::sleep(POLL_INTERVAL);
        }
    }
}

/// The result of a read or write; `None` when it would have to wait.
fn happened(result: std::io::Result<usize>) -> std::io::Result<Option<usize>> {
    match result {
        Ok(size) => Ok(Some(size)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}

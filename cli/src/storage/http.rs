//! The HTTP client and the TLS set-up that everything in the client shares.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context;
use rustls::crypto::{CryptoProvider, KeyProvider};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::SigningKey;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::address::Address;
use crate::environment;

/// A connection without a byte in either direction for this long counts as broken.
const STALL: Duration = Duration::from_secs(45);

fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    let provider = || CryptoProvider { key_provider: &NoKeys, ..rustls::crypto::ring::default_provider() };
    PROVIDER.get_or_init(|| Arc::new(provider())).clone()
}

/// The client has no certificate of its own. Leaving out the code that signs with one makes the client 60 KiB smaller.
#[derive(Debug)]
struct NoKeys;

impl KeyProvider for NoKeys {
    fn load_private_key(&self, _: PrivateKeyDer<'static>) -> Result<Arc<dyn SigningKey>, rustls::Error> {
        Err(rustls::Error::General("client certificates are not supported".to_owned()))
    }
}

/// The root certificates that this device trusts. `SSL_CERT_FILE` overrides them. In Termux and similar systems they
/// are found in the folder that `PREFIX` names.
fn roots() -> anyhow::Result<&'static [CertificateDer<'static>]> {
    static ROOTS: OnceLock<Vec<CertificateDer<'static>>> = OnceLock::new();
    let roots = ROOTS.get_or_init(|| {
        let roots = rustls_native_certs::load_native_certs().certs;
        match environment::path("PREFIX") {
            Some(prefix) if roots.is_empty() => {
                rustls_native_certs::load_certs_from_paths(Some(&prefix.join("etc/tls/cert.pem")), None).certs
            }
            _ => roots,
        }
    });
    if roots.is_empty() {
        anyhow::bail!(
            "this device has no certificates to check servers with; install the package `ca-certificates` or set `SSL_CERT_FILE`"
        );
    }
    Ok(roots)
}

/// The TLS configuration of the WebSocket.
pub fn tls_config() -> anyhow::Result<Arc<rustls::ClientConfig>> {
    let mut store = rustls::RootCertStore::empty();
    store.add_parsable_certificates(roots()?.iter().cloned());
    let config = rustls::ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .context("could not set up TLS")?
        .with_root_certificates(store)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// An HTTP client for `address`. It follows no redirects, since a signature is only valid for one host, and limits
/// pauses, not the duration of a transfer.
pub fn agent(address: &Address) -> anyhow::Result<Agent> {
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .user_agent(concat!("cargo-cloud/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(Some(Duration::from_secs(15)))
        .timeout_connect(Some(Duration::from_secs(15)))
        .timeout_per_read(Some(STALL))
        .timeout_per_write(Some(STALL));
    if address.scheme == "https" {
        let roots = RootCerts::from(roots()?.iter().map(|der| Certificate::from_der(der).to_owned()));
        let tls = TlsConfig::builder().root_certs(roots).unversioned_rustls_crypto_provider(provider()).build();
        config = config.tls_config(tls);
    }
    if address.is_loopback() {
        config = config.proxy(None);
    }
    Ok(config.build().into())
}

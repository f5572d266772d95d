//! TLS by rustls: one client configuration for all services with equal settings, built once.

use crate::attempt::{Progress, Stage};
use crate::kinds::Unready;
use crate::net::verify::{Verifier, trouble_of_handshake, watched};
use crate::net::wire::Wire;
use crate::trouble::Trouble;
use p7_settings::{Check, Faults, Secret};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

/// Largest certificate file that is read, in bytes: an operating system's whole bundle has 250 kB.
const FILE_LIMIT: u64 = 2 * 1024 * 1024;

/// How TLS is spoken. An empty table means: verified against the authorities the system knows.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// Whether the certificate is verified. Default true. With false anybody on the way can pose as the
    /// service and the probe does not notice; its expiry is reported all the same.
    pub verify: bool,
    /// A PEM file of further authorities to trust beside the system's, relative to the configuration's
    /// folder. Default none. Without it a service with an in-house certificate fails.
    pub ca_file: Option<PathBuf>,
    /// The name asked for (SNI) and verified instead of the address's host. Default the host.
    pub server_name: Option<String>,
    /// A PEM file with our own certificate and its chain, for services that ask for one (mTLS). Default
    /// none. Needs `client_key`.
    pub client_cert: Option<PathBuf>,
    /// The certificate's private key in PEM, as a secret: `file:client.key` or `env:NAME`. Default none.
    pub client_key: Option<Secret>,
}

impl Default for Tls {
    fn default() -> Self {
        Self { verify: true, ca_file: None, server_name: None, client_cert: None, client_key: None }
    }
}

impl Check for Tls {
    fn check(&self, faults: &mut Faults<'_>) {
        if let Some(name) = &self.server_name
            && ServerName::try_from(name.as_str()).is_err()
        {
            faults.push("server_name", format!("`{name}` is no host name"));
        }
        match (&self.client_cert, &self.client_key) {
            (Some(_), None) => faults.push("client_cert", "needs `client_key` beside it"),
            (None, Some(_)) => faults.push("client_key", "needs `client_cert` beside it"),
            (Some(_), Some(_)) | (None, None) => {}
        }
        if !self.verify && self.ca_file.is_some() {
            faults.push("ca_file", "has no effect while `verify = false`; remove one of the two");
        }
    }
}

/// Which protocols are offered in the handshake (ALPN).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Offer {
    /// None: not HTTP.
    Nothing,
    Http1,
    Http2,
    Both,
}

/// Everything a client configuration is made of; equal materials share one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Material {
    verify: bool,
    offer: Offer,
    authorities: Vec<u8>,
    identity: Option<(Vec<u8>, Vec<u8>)>,
}

/// TLS settings of one service, made ready.
#[derive(Debug)]
pub(crate) struct Secure {
    material: Arc<Material>,
    server_name: Option<ServerName<'static>>,
    config: std::sync::OnceLock<Arc<ClientConfig>>,
}

impl Secure {
    /// Reads the files and secrets. The configuration itself is built on first use.
    pub(crate) fn new(tls: &Tls, offer: Offer, base: &Path) -> Result<Self, Unready> {
        let authorities = match &tls.ca_file {
            Some(file) => read(&base.join(file)).map_err(|why| Unready::new("tls.ca_file", why))?,
            None => Vec::new(),
        };
        let identity = match (&tls.client_cert, &tls.client_key) {
            (Some(cert), Some(key)) => {
                let cert = read(&base.join(cert)).map_err(|why| Unready::new("tls.client_cert", why))?;
                let key = key.resolve(base).map_err(|e| Unready::new("tls.client_key", e.to_string()))?;
                Some((cert, key.expose().as_bytes().to_vec()))
            }
            (Some(_), None) | (None, Some(_) | None) => None,
        };
        let server_name =
            match &tls.server_name {
                Some(name) => Some(ServerName::try_from(name.clone()).map_err(|_no_name| {
                    Unready::new("tls.server_name", format!("`{name}` is no host name"))
                })?),
                None => None,
            };
        Ok(Self {
            material: Arc::new(Material { verify: tls.verify, offer, authorities, identity }),
            server_name,
            config: std::sync::OnceLock::new(),
        })
    }

    /// The client configuration, shared with all services of equal settings.
    pub(crate) fn config(&self) -> Result<Arc<ClientConfig>, Unready> {
        if let Some(config) = self.config.get() {
            return Ok(Arc::clone(config));
        }
        let config = shared(&self.material)?;
        Ok(Arc::clone(self.config.get_or_init(|| config)))
    }

    /// The TLS handshake on a connection to `host`.
    pub(crate) async fn handshake(
        &self,
        stream: TcpStream,
        host: &str,
        progress: &mut Progress,
    ) -> Result<Wire, Trouble> {
        progress.stage = Stage::Tls;
        let config = self.config().map_err(|unready| Trouble::peer(unready.to_string()))?;
        let name = match &self.server_name {
            Some(name) => name.clone(),
            None => ServerName::try_from(host.to_owned())
                .map_err(|_no_name| Trouble::peer(format!("`{host}` is no name TLS can verify")))?,
        };
        let started = Instant::now();
        let (secured, expiry) = watched(TlsConnector::from(config).connect(name, stream)).await;
        progress.spans.tls += started.elapsed();
        progress.note_expiry(expiry);
        let stream = secured.map_err(|error| trouble_of_handshake(&error, &progress.peer()))?;
        let version = stream.get_ref().1.protocol_version();
        progress.detail.tls_version = version.map(|v| format!("{v:?}"));
        Ok(Wire::Tls(Box::new(stream)))
    }
}

static CONFIGS: Mutex<BTreeMap<Arc<Material>, Weak<ClientConfig>>> = Mutex::new(BTreeMap::new());

fn shared(material: &Arc<Material>) -> Result<Arc<ClientConfig>, Unready> {
    let mut configs = CONFIGS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(config) = configs.get(material).and_then(Weak::upgrade) {
        return Ok(config);
    }
    let config = Arc::new(build(material)?);
    configs.retain(|_, config| config.strong_count() > 0);
    configs.insert(Arc::clone(material), Arc::downgrade(&config));
    Ok(config)
}

fn build(material: &Material) -> Result<ClientConfig, Unready> {
    let provider = Arc::new(ring::default_provider());
    let fault = |key: &str| {
        let key = key.to_owned();
        move |error: rustls::Error| Unready::new(&key, error.to_string())
    };
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(fault("tls"))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier(material, &provider)?));
    let mut config = match &material.identity {
        None => builder.with_no_client_auth(),
        Some((cert, key)) => {
            let chain = certificates(cert).map_err(|why| Unready::new("tls.client_cert", why))?;
            let key = PrivateKeyDer::from_pem_slice(key)
                .map_err(|_no_pem| Unready::new("tls.client_key", "holds no private key in PEM"))?;
            builder.with_client_auth_cert(chain, key).map_err(fault("tls.client_cert"))?
        }
    };
    config.alpn_protocols = match material.offer {
        Offer::Nothing => Vec::new(),
        Offer::Http1 => vec![b"http/1.1".to_vec()],
        Offer::Http2 => vec![b"h2".to_vec()],
        Offer::Both => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
    };
    // a resumed session shows no certificate, so one that has expired since would go unnoticed
    config.resumption = Resumption::disabled();
    Ok(config)
}

fn verifier(material: &Material, provider: &Arc<CryptoProvider>) -> Result<Verifier, Unready> {
    let schemes = provider.signature_verification_algorithms.supported_schemes();
    if !material.verify {
        return Ok(Verifier { inner: None, schemes });
    }
    let roots = if material.authorities.is_empty() {
        Arc::clone(&ROOTS)
    } else {
        let mut roots = RootCertStore::clone(&ROOTS);
        for certificate in
            certificates(&material.authorities).map_err(|why| Unready::new("tls.ca_file", why))?
        {
            roots.add(certificate).map_err(|error| Unready::new("tls.ca_file", error.to_string()))?;
        }
        Arc::new(roots)
    };
    let inner = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(provider))
        .build()
        .map_err(|error| Unready::new("tls", error.to_string()))?;
    Ok(Verifier { inner: Some(inner), schemes })
}

/// The authorities the operating system trusts; Mozilla's where it has none.
static ROOTS: LazyLock<Arc<RootCertStore>> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    let (taken, refused) = roots.add_parsable_certificates(native.certs);
    tracing::debug!(taken, refused, errors = native.errors.len(), "system authorities read");
    if roots.is_empty() {
        tracing::info!("this system has no authorities of its own; using Mozilla's");
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    Arc::new(roots)
});

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match chain {
        Ok(chain) if chain.is_empty() => Err("holds no certificate in PEM".to_owned()),
        Ok(chain) => Ok(chain),
        Err(error) => Err(format!("is no PEM file: {error}")),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let unreadable = |e: std::io::Error| format!("can't read `{}`: {e}", path.display());
    if std::fs::metadata(path).map_err(unreadable)?.len() > FILE_LIMIT {
        return Err(format!("`{}` is larger than 2 MiB; is it the right file?", path.display()));
    }
    std::fs::read(path).map_err(unreadable)
}

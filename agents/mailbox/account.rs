//! A mailbox's account made ready on this node: where, who, and how it proves that.

use crate::tokens::Tokens;
use crate::trouble::Trouble;
use p7_settings::SecretText;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::path::Path;
use std::sync::Arc;

/// How the connection becomes a private one. There is none without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// TLS from the first byte, usually on port 993.
    #[default]
    Tls,
    /// STARTTLS before anything else is said, usually on port 143.
    Starttls,
}

/// How the account proves who it is.
#[derive(Clone)]
pub(crate) enum Login {
    /// By a password or an app password.
    Password(SecretText),
    /// By XOAUTH2.
    Token(Arc<Tokens>),
}

/// An account made ready.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) security: Security,
    pub(crate) user: String,
    pub(crate) login: Login,
    pub(crate) tls: Arc<rustls::ClientConfig>,
}

impl Account {
    /// Host and port, for people.
    pub(crate) fn at(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// TLS that trusts the machine's authorities, the web's where there are none, and those of `extra`.
pub(crate) fn trusting(extra: Option<&Path>) -> Result<Arc<rustls::ClientConfig>, Trouble> {
    let mut roots = RootCertStore::empty();
    let (added, _unfit) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if added == 0 {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    if let Some(path) = extra {
        let bad = |why: String| {
            Trouble::NotHere(format!(
                "can't use `ca_file` {}: {why}; it holds certificates in PEM",
                path.display()
            ))
        };
        let certificates: Result<Vec<CertificateDer<'static>>, _> =
            CertificateDer::pem_file_iter(path).map_err(|error| bad(error.to_string()))?.collect();
        let certificates = certificates.map_err(|error| bad(error.to_string()))?;
        if certificates.is_empty() {
            return Err(bad("there is none in it".to_owned()));
        }
        for certificate in certificates {
            roots.add(certificate).map_err(|error| bad(error.to_string()))?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Trouble::NotHere(format!("TLS can't be set up: {error}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

//! Certificates: verified or explicitly not, their expiry noted either way, faults said in words.

use crate::trouble::Trouble;
use crate::words::{clipped, roughly};
use p7_core::vocabulary::MeshTime;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use std::cell::Cell;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// How many certificates of a chain are looked at for their expiry: a chain has three or four.
const CHAIN_LIMIT: usize = 10;
/// How many names of a certificate a reason repeats.
const NAMES_SHOWN: usize = 3;

thread_local! {
    /// When the first certificate of the chain expires that was shown in the handshake being polled.
    /// rustls forgets a chain it refuses, but a person wants its expiry then too; verification runs
    /// inside one poll on one thread, so this reaches from the verifier to [`watched`].
    static SHOWN_EXPIRY: Cell<Option<MeshTime>> = const { Cell::new(None) };
}

/// Runs a handshake and tells when the first certificate it was shown expires.
pub(crate) async fn watched<T>(handshake: impl Future<Output = T>) -> (T, Option<MeshTime>) {
    let mut handshake = pin!(handshake);
    let mut expiry = None;
    let done = std::future::poll_fn(|cx| {
        SHOWN_EXPIRY.set(None);
        let polled = handshake.as_mut().poll(cx);
        expiry = SHOWN_EXPIRY.take().or(expiry);
        match polled {
            Poll::Ready(done) => Poll::Ready(done),
            Poll::Pending => Poll::Pending,
        }
    })
    .await;
    (done, expiry)
}

/// Verifies as the web does, or not at all, and notes the expiry of what it is shown.
#[derive(Debug)]
pub(crate) struct Verifier {
    /// None when verification is switched off.
    pub(crate) inner: Option<Arc<WebPkiServerVerifier>>,
    /// What the crypto provider can verify.
    pub(crate) schemes: Vec<SignatureScheme>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        SHOWN_EXPIRY.set(earliest_expiry(end_entity, intermediates));
        match &self.inner {
            Some(inner) => {
                inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            }
            None => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match &self.inner {
            Some(inner) => inner.verify_tls12_signature(message, cert, dss),
            None => Ok(HandshakeSignatureValid::assertion()),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match &self.inner {
            Some(inner) => inner.verify_tls13_signature(message, cert, dss),
            None => Ok(HandshakeSignatureValid::assertion()),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}

/// When the first certificate of a chain expires; those that can't be read are left out.
fn earliest_expiry(first: &CertificateDer<'_>, others: &[CertificateDer<'_>]) -> Option<MeshTime> {
    std::iter::once(first)
        .chain(others)
        .take(CHAIN_LIMIT)
        .filter_map(|der| {
            let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
            let seconds = u64::try_from(certificate.validity().not_after.timestamp()).unwrap_or(0);
            Some(MeshTime(seconds.saturating_mul(1000)))
        })
        .min()
}

/// Why a handshake with `peer` failed.
pub(crate) fn trouble_of_handshake(error: &io::Error, peer: &str) -> Trouble {
    match tls_error(error) {
        Some(error) => Trouble::peer(in_words(error, peer)),
        None => Trouble::of_stream(error, peer, "during the TLS handshake"),
    }
}

/// The TLS error inside an I/O error.
pub(crate) fn tls_error(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref::<Error>()
}

/// A TLS error as a person understands it.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the rest is not ours to list and is told in its own words"
)]
pub(crate) fn in_words(error: &Error, peer: &str) -> String {
    match error {
        Error::InvalidCertificate(fault) => certificate_fault(fault),
        Error::InvalidMessage(_) => format!("{peer} does not speak TLS"),
        Error::AlertReceived(alert) => {
            let alert = format!("{alert:?}");
            if alert == "CertificateRequired" {
                return format!(
                    "{peer} asks for a client certificate; give `tls.client_cert` and `tls.client_key`"
                );
            }
            format!("{peer} refused the TLS handshake: {}", spaced(&alert))
        }
        Error::NoApplicationProtocol => format!("{peer} does not speak the HTTP version that was asked for"),
        Error::PeerIncompatible(why) => {
            format!("{peer} and p7 have no TLS in common: {}", spaced(&format!("{why:?}")))
        }
        other => format!("the TLS handshake with {peer} failed: {other}"),
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the rest is not ours to list and is told in its own words"
)]
fn certificate_fault(fault: &CertificateError) -> String {
    let between = |later: &UnixTime, earlier: &UnixTime| {
        roughly(Duration::from_secs(later.as_secs().saturating_sub(earlier.as_secs())))
    };
    match fault {
        CertificateError::Expired => "certificate expired".to_owned(),
        CertificateError::ExpiredContext { time, not_after } => {
            format!("certificate expired {} ago", between(time, not_after))
        }
        CertificateError::NotValidYet => "certificate is not valid yet".to_owned(),
        CertificateError::NotValidYetContext { time, not_before } => {
            format!("certificate becomes valid only in {}", between(not_before, time))
        }
        CertificateError::NotValidForName => "certificate is for other names".to_owned(),
        CertificateError::NotValidForNameContext { expected, presented } => {
            format!("certificate is for other names: {} (not `{}`)", names(presented), expected.to_str())
        }
        CertificateError::UnknownIssuer => "certificate is signed by an unknown authority".to_owned(),
        CertificateError::Revoked => "certificate was revoked".to_owned(),
        CertificateError::BadSignature => "certificate has a wrong signature".to_owned(),
        CertificateError::BadEncoding => "certificate can't be read".to_owned(),
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            "certificate is signed by an unknown authority: it is that of an authority itself".to_owned()
        }
        other => format!("certificate is not valid: {other}"),
    }
}

/// Names as rustls writes them are `DnsName("a.example")`; the words inside are what a person knows.
fn names(presented: &[String]) -> String {
    let plain = |name: &String| clipped(name.split('"').nth(1).unwrap_or(name));
    let shown: Vec<String> = presented.iter().take(NAMES_SHOWN).map(plain).collect();
    match presented.len() {
        0 => "it has none".to_owned(),
        n if n > NAMES_SHOWN => format!("{} and {} more", shown.join(", "), n - NAMES_SHOWN),
        _ => shown.join(", "),
    }
}

/// `HandshakeFailure` as "handshake failure".
fn spaced(camel: &str) -> String {
    let mut words = String::with_capacity(camel.len() + 8);
    for (index, c) in camel.chars().enumerate() {
        if c.is_uppercase() && index > 0 {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
    }
    words
}

//! TLS against real servers with authorities of our own: what is verified, and what is said of it.

use crate::common::{LONG, http_in, ok, prepared, request, serve, server};
use p7_core::vocabulary::Outcome;
use p7_prober::Attempt;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

/// An authority, and a folder with its certificate as `ca.pem`.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: tempfile::TempDir,
}

struct Leaf {
    chain: Vec<CertificateDer<'static>>,
    pem: String,
    key: KeyPair,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, folder }
    }

    fn leaf(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Leaf {
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2200, 1, 1);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Leaf { chain: vec![certificate.der().clone()], pem: certificate.pem(), key }
    }

    async fn probe(&self, settings: &str) -> Attempt {
        http_in(settings, self.folder.path(), LONG).await
    }
}

fn key(leaf: &Leaf) -> PrivateKeyDer<'static> {
    PrivateKeyDer::try_from(leaf.key.serialize_der()).unwrap()
}

fn config(leaf: &Leaf) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(leaf.chain.clone(), key(leaf))
        .unwrap()
}

async fn tls_server(config: ServerConfig) -> SocketAddr {
    let acceptor = TlsAcceptor::from(Arc::new(config));
    server(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                serve(stream, Arc::new(|_: &str| ok("secure"))).await;
            }
        }
    })
    .await
}

fn reason(attempt: &Attempt) -> &str {
    attempt.reason.as_deref().unwrap_or("")
}

#[tokio::test]
async fn a_certificate_of_an_own_authority_is_verified_and_its_expiry_reported() {
    let authority = Authority::new();
    let to = tls_server(config(&authority.leaf(&["127.0.0.1", "localhost"], |_| {}))).await;
    let attempt = authority
        .probe(&format!("url = 'https://{to}/'\ntls.ca_file = 'ca.pem'\nsuccess_text = ['secure']"))
        .await;
    assert_eq!(attempt.outcome, Outcome::Up, "{}", reason(&attempt));
    assert_eq!(attempt.certificate_expiry.unwrap().0, 7_258_118_400_000); // 2200-01-01
    assert_eq!(attempt.detail.tls_version.as_deref(), Some("TLSv1_3"));
    assert!(attempt.phases.tls.0 > 0);
    let by_name = format!("url = 'https://localhost:{}/'\nip = 'ipv4'\ntls.ca_file = 'ca.pem'", to.port());
    assert_eq!(authority.probe(&by_name).await.outcome, Outcome::Up);
}

#[tokio::test]
async fn a_faulty_certificate_says_what_is_wrong_and_can_be_accepted_on_purpose() {
    let authority = Authority::new();
    let expired = authority.leaf(&["127.0.0.1"], |p| p.not_after = date_time_ymd(2021, 1, 1));
    let early = authority.leaf(&["127.0.0.1"], |p| p.not_before = date_time_ymd(2150, 1, 1));
    let other = authority.leaf(&["shop.example", "www.example"], |_| {});
    let table = [
        (&expired, "tls.ca_file = 'ca.pem'", "certificate expired "),
        (&early, "tls.ca_file = 'ca.pem'", "certificate becomes valid only in "),
        (
            &other,
            "tls.ca_file = 'ca.pem'",
            "certificate is for other names: shop.example, www.example (not `127.0.0.1`)",
        ),
        (&other, "", "certificate is signed by an unknown authority"),
    ];
    for (leaf, settings, expected) in table {
        let to = tls_server(config(leaf)).await;
        let attempt = authority.probe(&format!("url = 'https://{to}/'\n{settings}")).await;
        assert_eq!(attempt.outcome, Outcome::Failed);
        assert!(reason(&attempt).starts_with(expected), "{}", reason(&attempt));
        // even then a person wants to know when it expires
        let expiry = attempt.certificate_expiry;
        assert!(expiry.is_some());
        let attempt = authority.probe(&format!("url = 'https://{to}/'\ntls.verify = false")).await;
        assert_eq!((attempt.outcome, attempt.certificate_expiry), (Outcome::Up, expiry));
    }
    let to = tls_server(config(&expired)).await;
    let attempt = authority.probe(&format!("url = 'https://{to}/'\ntls.ca_file = 'ca.pem'")).await;
    assert!(reason(&attempt).ends_with(" days ago"), "{}", reason(&attempt));
    let to = tls_server(config(&other)).await;
    let named = format!("url = 'https://{to}/'\ntls = {{ ca_file = 'ca.pem', server_name = 'www.example' }}");
    assert_eq!(authority.probe(&named).await.outcome, Outcome::Up);
}

#[tokio::test]
async fn a_certificate_that_expires_soon_fails_when_so_asked() {
    let authority = Authority::new();
    let to = tls_server(config(&authority.leaf(&["127.0.0.1"], |_| {}))).await;
    let settings =
        format!("url = 'https://{to}/'\ntls.ca_file = 'ca.pem'\nmin_certificate_validity = '300years'");
    let attempt = authority.probe(&settings).await;
    assert_eq!(attempt.outcome, Outcome::Failed);
    assert!(reason(&attempt).starts_with("certificate expires in "), "{}", reason(&attempt));
}

#[tokio::test]
async fn http_2_is_agreed_on_by_default_and_left_out_when_asked() {
    use http_body_util::Full;
    use hyper::body::Bytes;
    use hyper_util::rt::{TokioExecutor, TokioIo};
    let authority = Authority::new();
    let mut with_two = config(&authority.leaf(&["127.0.0.1"], |_| {}));
    with_two.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(with_two));
    let to = server(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let service = hyper::service::service_fn(|_| async {
                Ok::<_, std::convert::Infallible>(hyper::Response::new(Full::new(Bytes::from("x"))))
            });
            if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                _ = builder.serve_connection(TokioIo::new(stream), service).await;
            } else {
                let builder = hyper::server::conn::http1::Builder::new();
                _ = builder.serve_connection(TokioIo::new(stream), service).await;
            }
        }
    })
    .await;
    for (asked, spoken) in [("auto", "HTTP/2.0"), ("2", "HTTP/2.0"), ("1.1", "HTTP/1.1")] {
        let settings = format!("url = 'https://{to}/'\ntls.ca_file = 'ca.pem'\nhttp_version = '{asked}'");
        let attempt = authority.probe(&settings).await;
        assert_eq!(attempt.outcome, Outcome::Up, "{}", reason(&attempt));
        assert_eq!(attempt.detail.http_version.as_deref(), Some(spoken));
    }
    let only_one = tls_server(config(&authority.leaf(&["127.0.0.1"], |_| {}))).await;
    let settings = format!("url = 'https://{only_one}/'\ntls.ca_file = 'ca.pem'\nhttp_version = '2'");
    assert_eq!(reason(&authority.probe(&settings).await), format!("{only_one} does not speak HTTP/2"));
}

#[tokio::test]
async fn a_service_that_asks_for_a_certificate_gets_ours() {
    let authority = Authority::new();
    let mut roots = RootCertStore::empty();
    roots.add(authority.issuer.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let leaf = authority.leaf(&["127.0.0.1"], |_| {});
    let strict = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(leaf.chain.clone(), key(&leaf))
        .unwrap();
    let to = tls_server(strict).await;
    let ours = authority.leaf(&["probe.example"], |_| {});
    std::fs::write(authority.folder.path().join("our.pem"), &ours.pem).unwrap();
    std::fs::write(authority.folder.path().join("our.key"), ours.key.serialize_pem()).unwrap();
    let with = "client_cert = 'our.pem', client_key = 'file:our.key'";
    let attempt =
        authority.probe(&format!("url = 'https://{to}/'\ntls = {{ ca_file = 'ca.pem', {with} }}")).await;
    assert_eq!(attempt.outcome, Outcome::Up, "{}", reason(&attempt));
    let attempt = authority.probe(&format!("url = 'https://{to}/'\ntls.ca_file = 'ca.pem'")).await;
    assert_eq!(attempt.outcome, Outcome::Failed);
    assert!(reason(&attempt).contains("asks for a client certificate"), "{}", reason(&attempt));
}

#[tokio::test]
async fn a_server_without_tls_or_one_that_hangs_up_is_told_from_a_bad_certificate() {
    let authority = Authority::new();
    for said in ["HTTP/1.1 400 Bad Request\r\n\r\n", "220 mail.example ESMTP ready\r\n"] {
        let talks = server(move |mut stream| async move {
            _ = stream.write_all(said.as_bytes()).await;
            // until the probe has had enough
            _ = stream.read_to_end(&mut Vec::new()).await;
        })
        .await;
        let attempt = authority.probe(&format!("url = 'https://{talks}/'")).await;
        assert_eq!(reason(&attempt), format!("{talks} does not speak TLS"));
    }
    let shuts = server(|stream| async move { drop(stream) }).await;
    let attempt = authority.probe(&format!("url = 'https://{shuts}/'")).await;
    assert!(reason(&attempt).contains("connection during the TLS handshake"), "{}", reason(&attempt));
}

#[tokio::test]
async fn a_tunnel_is_dug_through_the_proxy_and_its_refusal_is_the_proxys() {
    let authority = Authority::new();
    let to = tls_server(config(&authority.leaf(&["shop.example"], |_| {}))).await;
    let proxy = server(move |mut stream| async move {
        let asked = request(&mut stream).await.unwrap();
        if !asked.contains("Proxy-Authorization: Basic bWU6czNjcmV0\r\n") {
            _ = stream.write_all(b"HTTP/1.1 407 Who are you\r\n\r\n").await;
        } else if asked.starts_with("CONNECT shop.example:443 HTTP/1.1\r\n") {
            let mut far = TcpStream::connect(to).await.unwrap();
            _ = stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await;
            _ = copy_bidirectional(&mut stream, &mut far).await;
        } else {
            _ = stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\n\r\n").await;
        }
    })
    .await;
    std::fs::write(authority.folder.path().join("key"), "s3cret").unwrap();
    let through = |host: &str, login: &str| {
        format!(
            "url = 'https://{host}/'\ntls.ca_file = 'ca.pem'\nproxy = {{ url = 'http://{proxy}'{login} }}"
        )
    };
    let login = ", username = 'me', password = 'file:key'";
    let attempt = authority.probe(&through("shop.example", login)).await;
    assert_eq!(attempt.outcome, Outcome::Up, "{}", reason(&attempt));
    let attempt = authority.probe(&through("shop.example", "")).await;
    assert_eq!(reason(&attempt), format!("the proxy {proxy} refuses our credentials"));
    let attempt = authority.probe(&through("gone.example", login)).await;
    let expected = format!("the proxy {proxy} can't connect to gone.example:443: HTTP/1.1 502 Bad Gateway");
    assert_eq!(reason(&attempt), expected);
}

#[tokio::test]
async fn a_tcp_probe_speaks_tls_too() {
    let authority = Authority::new();
    let to = tls_server(config(&authority.leaf(&["127.0.0.1"], |_| {}))).await;
    let settings = format!(
        "address = '{to}'\nsend = \"GET / HTTP/1.0\\r\\n\\r\\n\"\nexpect = 'regex:^HTTP/1.1 200'\ntls.ca_file = 'ca.pem'"
    );
    let attempt = prepared("tcp", &settings, authority.folder.path()).unwrap().attempt(LONG).await;
    assert_eq!(attempt.outcome, Outcome::Up, "{}", reason(&attempt));
    assert!(attempt.certificate_expiry.is_some());
    let attempt = prepared("tcp", &format!("address = '{to}'\ntls = {{}}"), authority.folder.path())
        .unwrap()
        .attempt(LONG)
        .await;
    assert_eq!(reason(&attempt), "certificate is signed by an unknown authority");
}

#[test]
fn files_that_are_missing_or_no_certificates_are_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("junk.pem"), "junk").unwrap();
    let fault = |settings: &str| {
        let settings = format!("url = 'https://shop.example/'\n{settings}");
        let error = prepared("http", &settings, folder.path()).unwrap_err();
        (error.path.join("."), error.why)
    };
    let (path, why) = fault("tls.ca_file = 'gone.pem'");
    assert_eq!(path, "http.tls.ca_file");
    assert!(why.starts_with("can't read `"), "{why}");
    let expected = ("http.tls.ca_file".to_owned(), "holds no certificate in PEM".to_owned());
    assert_eq!(fault("tls.ca_file = 'junk.pem'"), expected);
    assert_eq!(fault("auth.bearer = 'file:gone'").0, "http.auth.bearer");
}

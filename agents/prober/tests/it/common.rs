//! Real servers on loopback, and probes from a few lines of settings.

use p7_core::service::{Rules, Service, VantagePoints};
use p7_core::vocabulary::{Interval, Millis, NodeId, ServiceId};
use p7_prober::{Attempt, PrepareError, Probe, ProbeConfig};
use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Longer than any answer here takes on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(20);

pub(crate) fn service(id: &str, kind: &str) -> Service {
    Service {
        id: ServiceId::new(id).unwrap(),
        name: id.to_owned(),
        environment: String::new(),
        kind: kind.to_owned(),
        target: String::new(),
        interval: Interval::new(Millis::seconds(60)),
        timeout: Millis::seconds(5),
        retries: 0,
        retry_delay: Millis(10),
        rules: Rules::default(),
        vantage_points: VantagePoints::All,
        vantage_labels: BTreeMap::new(),
        description: None,
        runbook: None,
        link: None,
        labels: BTreeMap::new(),
        depends_on: Vec::new(),
        maintenance: Vec::new(),
    }
}

pub(crate) fn node() -> NodeId {
    NodeId::new("node1").unwrap()
}

pub(crate) fn config(kind: &str, settings: &str) -> ProbeConfig {
    let from = toml::Deserializer::parse(settings).unwrap();
    ProbeConfig::deserialize(kind, from).unwrap()
}

pub(crate) fn prepared(kind: &str, settings: &str, base: &Path) -> Result<Probe, PrepareError> {
    Probe::prepare(&service("shop", kind), &config(kind, settings), base)
}

/// Probes over HTTP with a few lines of settings.
pub(crate) async fn http(settings: &str) -> Attempt {
    http_in(settings, Path::new("."), LONG).await
}

pub(crate) async fn http_in(settings: &str, base: &Path, timeout: Duration) -> Attempt {
    prepared("http", settings, base).unwrap().attempt(timeout).await
}

/// A server that does with every connection what `talk` says.
pub(crate) async fn server<F, W>(talk: F) -> SocketAddr
where
    F: Fn(TcpStream) -> W + Send + 'static,
    W: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(talk(stream));
        }
    });
    address
}

/// An HTTP server: `answer` makes the whole answer from the whole request.
pub(crate) async fn http_server(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> SocketAddr {
    let answer = Arc::new(answer);
    server(move |stream| serve(stream, Arc::clone(&answer))).await
}

/// Answers requests on one connection until it ends.
pub(crate) async fn serve<A>(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: Arc<A>)
where
    A: Fn(&str) -> Vec<u8>,
{
    while let Some(request) = request(&mut stream).await {
        if stream.write_all(&answer(&request)).await.is_err() || request.contains("connection: close") {
            break;
        }
    }
    _ = stream.shutdown().await;
}

/// Reads one request with its body.
pub(crate) async fn request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut read = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|l| l.strip_prefix("content-length: ")?.parse::<usize>().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some(text);
            }
        }
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return None,
            Ok(n) => read.extend_from_slice(&chunk[..n]),
        }
    }
}

/// A plain answer.
pub(crate) fn answer(code: u16, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {code} X\r\ncontent-length: {length}\r\n{headers}\r\n{body}").into_bytes()
}

pub(crate) fn ok(body: &str) -> Vec<u8> {
    answer(200, "", body)
}

/// A port on which nobody listens.
pub(crate) fn refusing() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

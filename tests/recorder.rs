//! A channel's far end in the test's hands: every request waits until the test has answered it, so that a
//! sender can be killed at any point of a sending.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// Largest body that is taken, in bytes.
const BODY_LIMIT: usize = 1024 * 1024;

/// The far end. It lives as long as the test's process.
#[derive(Debug)]
pub struct Recorder {
    address: SocketAddr,
    arrived: Receiver<Request>,
}

/// A request whose sender waits. Dropped without an answer, its connection is closed.
#[derive(Debug)]
pub struct Request {
    /// The method and what is asked for, such as `POST /hook`.
    pub line: String,
    /// Its headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
    /// Where it came from.
    pub from: SocketAddr,
    stream: TcpStream,
}

impl Recorder {
    /// A far end on a free port of this address.
    pub fn start_at(address: &str) -> Self {
        let listener = TcpListener::bind((address, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (to, arrived) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let to = to.clone();
                std::thread::spawn(move || hear(stream, &to));
            }
        });
        Self { address, arrived }
    }

    /// Its address as a URL, with a trailing slash.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// The next request; fails with `what` when none comes within `within`.
    pub fn next(&self, what: &str, within: Duration) -> Request {
        match self.arrived.recv_timeout(within) {
            Ok(request) => request,
            Err(RecvTimeoutError::Timeout) => panic!("not within {within:?}: {what}"),
            Err(RecvTimeoutError::Disconnected) => unreachable!("the recorder listens"),
        }
    }

    /// The next request, if one has arrived.
    pub fn arrived(&self) -> Option<Request> {
        self.arrived.try_recv().ok()
    }
}

impl Request {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e} in {text}"))
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Answers, and closes the connection. A sender that is gone reads nothing.
    pub fn answer(mut self, status: u16, body: &str) {
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status} Said\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
        );
        drop(self.stream.write_all(format!("{head}{body}").as_bytes()));
    }
}

/// Reads one request and hands it on. One that breaks off is no request.
fn hear(stream: TcpStream, to: &Sender<Request>) {
    let Ok(from) = stream.peer_addr() else { return };
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    for line in reader.by_ref().lines().map_while(Result::ok) {
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    let mut lines = lines.into_iter();
    let Some(first) = lines.next() else { return };
    let named = |line: String| {
        line.split_once(':').map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
    };
    let headers: Vec<(String, String)> = lines.filter_map(named).collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, value)| value.parse().unwrap());
    assert!(length <= BODY_LIMIT, "{length} bytes are too many");
    let mut body = vec![0; length];
    if reader.read_exact(&mut body).is_err() {
        return;
    }
    let line = first.trim_end_matches(" HTTP/1.1").to_owned();
    let request = Request { line, headers, body, from, stream: reader.into_inner() };
    // nobody waits for it once the test is over
    drop(to.send(request));
}

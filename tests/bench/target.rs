//! The benchmark's target: a lean HTTP server on loopback that notes when which path was asked for.
//!
//! `/delay/MS…` answers after that many milliseconds, every other path at once. `/stats` tells, since
//! `/reset?expect=N` was asked for: requests, distinct paths, when N of them had been seen, and the
//! percentiles of the gaps between two requests for the same path.

use serde_json::json;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// Connections that may wait to be taken: more than the probes that start in one moment.
const BACKLOG: u32 = 4096;
/// Longest request head that is read, in bytes.
const HEAD_LIMIT: usize = 16 * 1024;
/// Longest delay a path may ask for.
const DELAY_LIMIT: Duration = Duration::from_secs(30);

/// What was asked for since the last reset.
struct Seen {
    expect: usize,
    requests: u64,
    connections: u64,
    full_pass_unix_ms: Option<f64>,
    last: HashMap<String, Instant>,
    gaps_ms: Vec<f64>,
    /// By how much delays were longer than asked for.
    overshoot_ms: Vec<f64>,
}

impl Seen {
    fn expecting(expect: usize) -> Self {
        Self {
            expect,
            requests: 0,
            connections: 0,
            full_pass_unix_ms: None,
            last: HashMap::new(),
            gaps_ms: Vec::new(),
            overshoot_ms: Vec::new(),
        }
    }

    fn note(&mut self, path: &str) {
        let now = Instant::now();
        self.requests += 1;
        if let Some(before) = self.last.insert(path.to_owned(), now) {
            self.gaps_ms.push((now - before).as_secs_f64() * 1000.0);
        }
        if self.full_pass_unix_ms.is_none() && self.last.len() >= self.expect {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            self.full_pass_unix_ms = Some(since.as_secs_f64() * 1000.0);
        }
    }

    fn as_json(&self) -> String {
        json!({
            "requests": self.requests,
            "connections": self.connections,
            "paths": self.last.len(),
            "full_pass_unix_ms": self.full_pass_unix_ms,
            "gap_ms": percentiles(&self.gaps_ms),
            "overshoot_ms": percentiles(&self.overshoot_ms),
        })
        .to_string()
    }
}

fn percentiles(values: &[f64]) -> serde_json::Value {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |percent: usize| sorted.get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1)));
    json!({ "count": sorted.len(), "p50": at(50), "p95": at(95), "p99": at(99), "max": at(100) })
}

/// Takes an address such as `127.0.0.1:9000`; port 0 takes a free one. Prints the one it listens on.
#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let address = address.parse().map_err(std::io::Error::other)?;
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let listener = socket.listen(BACKLOG)?;
    announce(&listener.local_addr()?.to_string())?;
    let seen = Rc::new(RefCell::new(Seen::expecting(usize::MAX)));
    let local = tokio::task::LocalSet::new();
    local
        .run_until(async move {
            loop {
                let (stream, _) = listener.accept().await?;
                seen.borrow_mut().connections += 1;
                tokio::task::spawn_local(serve(stream, Rc::clone(&seen)));
            }
        })
        .await
}

fn announce(address: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{address}")?;
    out.flush()
}

/// Answers one connection's requests until it ends; a client that breaks off is nobody's fault.
async fn serve(mut stream: TcpStream, seen: Rc<RefCell<Seen>>) {
    let mut head = Vec::with_capacity(1024);
    loop {
        while !head.windows(4).any(|w| w == b"\r\n\r\n") {
            match stream.read_buf(&mut head).await {
                Ok(n) if n > 0 && head.len() <= HEAD_LIMIT => {}
                Ok(_) | Err(_) => return,
            }
        }
        let text = String::from_utf8_lossy(&head).into_owned();
        head.clear();
        let path = text.split(' ').nth(1).unwrap_or("/");
        let body = answer(path, &seen).await;
        let close = text.to_ascii_lowercase().contains("\r\nconnection: close");
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        if stream.write_all(answer.as_bytes()).await.is_err() || close {
            return;
        }
    }
}

async fn answer(path: &str, seen: &Rc<RefCell<Seen>>) -> String {
    if let Some(expect) = path.strip_prefix("/reset?expect=") {
        *seen.borrow_mut() = Seen::expecting(expect.parse().unwrap_or(usize::MAX));
        return "reset".to_owned();
    }
    if path == "/stats" {
        return seen.borrow().as_json();
    }
    seen.borrow_mut().note(path);
    if let Some(delay) = path.strip_prefix("/delay/") {
        let ms = delay.split(['/', '?']).next().and_then(|ms| ms.parse().ok()).unwrap_or(0);
        let overshoot = hold(Duration::from_millis(ms).min(DELAY_LIMIT)).await;
        seen.borrow_mut().overshoot_ms.push(overshoot.as_secs_f64() * 1000.0);
    }
    "ok".to_owned()
}

/// Waits, and says by how much it waited too long. On a thread: tokio's timers are a millisecond coarse.
async fn hold(delay: Duration) -> Duration {
    let start = Instant::now();
    if tokio::task::spawn_blocking(move || std::thread::sleep(delay)).await.is_err() {
        return Duration::ZERO;
    }
    start.elapsed().saturating_sub(delay)
}

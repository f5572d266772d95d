//! One HTTP connection: opened phase by phase, spoken over, and kept if asked for.

use super::body::{Limit, read};
use super::{HttpVersion, Ready};
use crate::attempt::{Progress, Stage};
use crate::net::connect::open;
use crate::net::resolve::Place;
use crate::net::verify::{in_words, tls_error};
use crate::net::wire::Wire;
use crate::trouble::Trouble;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::{http1, http2};
use hyper::header::HeaderMap;
use hyper::{Method, Request, Response, StatusCode, Version, body::Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use p7_core::vocabulary::MeshTime;
use std::error::Error;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::Poll;
use tokio::time::Instant;

/// Most bytes of an answer's headers. Their number is hyper's default of 100: setting one costs an
/// allocation for every answer.
const HEADER_LIMIT: usize = 64 * 1024;
/// hyper tells this fault to servers by a method and to clients by its words only.
const TOO_LARGE: &str = "message head is too large";
/// What a peer may send over HTTP/2 before it is read, in bytes; more only costs memory.
const WINDOW: u32 = 256 * 1024;

type Driver = http1::Connection<TokioIo<Wire>, Full<Bytes>>;

/// An answer, read as far as its limit.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) code: StatusCode,
    pub(super) headers: HeaderMap,
    /// Empty where nobody looks at it.
    pub(super) body: Vec<u8>,
    /// Whether the body ended within its limit.
    pub(super) whole: bool,
}

/// Why an exchange failed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) trouble: Trouble,
    when: When,
}

/// How far an exchange got that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    /// The request never left.
    Unsent,
    /// Nothing of an answer came before the connection ended.
    Unanswered,
    /// Later, or for another reason.
    Other,
}

impl Failure {
    /// Whether a kept connection had gone stale and the request may be sent again.
    pub(super) fn is_stale(&self, method: &Method) -> bool {
        match self.when {
            When::Unsent => true,
            When::Unanswered => method.is_idempotent(),
            When::Other => false,
        }
    }
}

#[derive(Debug)]
enum Sender {
    One(http1::SendRequest<Full<Bytes>>),
    Two(http2::SendRequest<Full<Bytes>>),
}

/// What is known of a connection, to be told again when it is used again.
#[derive(Debug, Clone)]
struct Facts {
    https: bool,
    place: Place,
    peer: Option<SocketAddr>,
    expiry: Option<MeshTime>,
    tls_version: Option<String>,
}

/// A connection in use.
#[derive(Debug)]
pub(super) struct Link {
    sender: Sender,
    /// The connection's own work, done in our task; none when it has a task of its own.
    driver: Option<Pin<Box<Driver>>>,
    facts: Facts,
}

/// A connection that waits for the next probe.
#[derive(Debug)]
pub(super) struct Kept {
    sender: Sender,
    facts: Facts,
}

impl Kept {
    /// Whether over TLS, and where to.
    pub(super) fn leads_to(&self) -> (bool, Place) {
        (self.facts.https, self.facts.place.clone())
    }

    /// Whether the other side has not closed it.
    pub(super) fn is_open(&self) -> bool {
        match &self.sender {
            Sender::One(sender) => !sender.is_closed(),
            Sender::Two(sender) => !sender.is_closed(),
        }
    }

    /// Takes it up again, and tells again what it knows.
    pub(super) fn wake(self, progress: &mut Progress) -> Link {
        progress.host.clone_from(&self.facts.place.host);
        progress.detail.peer = self.facts.peer;
        progress.detail.tls_version.clone_from(&self.facts.tls_version);
        progress.detail.reused = true;
        progress.note_expiry(self.facts.expiry);
        Link { sender: self.sender, driver: None, facts: self.facts }
    }
}

impl Link {
    /// Opens a connection for `probe`, through its proxy if it has one.
    pub(super) async fn open(
        probe: &Ready,
        https: bool,
        place: Place,
        progress: &mut Progress,
    ) -> Result<Self, Trouble> {
        progress.detail.reused = false;
        let mut stream = match &probe.gate {
            Some(gate) => open(gate.place(), probe.ip, progress).await.map_err(|t| gate.blamed(&t))?,
            None => open(&place, probe.ip, progress).await?,
        };
        let before = progress.certificate_expiry.take();
        let wire = if https {
            if let Some(gate) = &probe.gate {
                gate.tunnel(&mut stream, &place, progress).await?;
            }
            probe.secure.handshake(stream, &place.host, progress).await
        } else {
            Ok(Wire::Plain(stream))
        };
        let expiry = progress.certificate_expiry;
        progress.note_expiry(before);
        let wire = wire?;
        let facts = Facts {
            https,
            place,
            peer: progress.detail.peer,
            expiry,
            tls_version: progress.detail.tls_version.clone().filter(|_| https),
        };
        Self::greet(wire, probe, facts, progress).await
    }

    /// Speaks HTTP/2 where it was agreed, else 1.1.
    async fn greet(
        wire: Wire,
        probe: &Ready,
        facts: Facts,
        progress: &mut Progress,
    ) -> Result<Self, Trouble> {
        progress.stage = Stage::Answer;
        let peer = progress.peer();
        let failed = |error: hyper::Error| trouble_of(&error, &peer, "before it had answered");
        let speaks_two = match &wire {
            Wire::Plain(_) => probe.version == HttpVersion::Two,
            Wire::Tls(stream) => stream.get_ref().1.alpn_protocol() == Some(b"h2"),
        };
        if !speaks_two && probe.version == HttpVersion::Two {
            return Err(Trouble::peer(format!("{peer} does not speak HTTP/2")));
        }
        let io = TokioIo::new(wire);
        let mut driver = None;
        let sender = if speaks_two {
            let (sender, connection) = http2::Builder::new(TokioExecutor::new())
                .initial_stream_window_size(WINDOW)
                .initial_connection_window_size(2 * WINDOW)
                .max_header_list_size(u32::try_from(HEADER_LIMIT).unwrap_or(u32::MAX))
                .handshake(io)
                .await
                .map_err(failed)?;
            run_apart(connection);
            Sender::Two(sender)
        } else {
            let (sender, connection) =
                http1::Builder::new().max_header_size(HEADER_LIMIT).handshake(io).await.map_err(failed)?;
            match probe.pool {
                Some(_) => run_apart(connection),
                None => driver = Some(Box::pin(connection)),
            }
            Sender::One(sender)
        };
        Ok(Self { sender, driver, facts })
    }

    pub(super) fn version(&self) -> Version {
        match self.sender {
            Sender::One(_) => Version::HTTP_11,
            Sender::Two(_) => Version::HTTP_2,
        }
    }

    /// Sends a request and reads the answer.
    pub(super) async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
        limit: &Limit,
        progress: &mut Progress,
    ) -> Result<Heard, Failure> {
        let Self { sender, driver, .. } = self;
        let work = converse(sender, request, limit, progress);
        match driver {
            Some(driver) => alongside(driver.as_mut(), work).await,
            None => work.await,
        }
    }

    /// The connection for the next probe, if it is still good.
    pub(super) fn keep(self) -> Option<Kept> {
        let kept = Kept { sender: self.sender, facts: self.facts };
        (self.driver.is_none() && kept.is_open()).then_some(kept)
    }
}

/// A connection that works in a task of its own, until its sender is dropped.
fn run_apart(connection: impl Future<Output = hyper::Result<()>> + Send + 'static) {
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            // whoever used it has heard of it in the answer
            tracing::trace!(%error, "a connection ended");
        }
    });
}

/// Does a connection's own work and ours in one task: a task apart would cost more than the request.
async fn alongside<T>(mut driver: Pin<&mut Driver>, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    let mut is_open = true;
    std::future::poll_fn(move |cx| {
        if let Poll::Ready(done) = work.as_mut().poll(cx) {
            return Poll::Ready(done);
        }
        if is_open && driver.as_mut().poll(cx).is_ready() {
            // its failure has reached our side by now
            is_open = false;
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    })
    .await
}

async fn converse(
    sender: &mut Sender,
    request: Request<Full<Bytes>>,
    limit: &Limit,
    progress: &mut Progress,
) -> Result<Heard, Failure> {
    progress.stage = Stage::Answer;
    let sent = Instant::now();
    let answered = send(sender, request).await;
    progress.spans.processing += sent.elapsed();
    let response = answered.map_err(|error| Failure {
        when: if error.is_canceled() || error.is_closed() {
            When::Unsent
        } else if error.is_incomplete_message() || io_error(&error).is_some() {
            When::Unanswered
        } else {
            When::Other
        },
        trouble: trouble_of(&error, &progress.peer(), "before it had answered"),
    })?;
    let (head, body) = response.into_parts();
    progress.status_code = Some(head.status.as_u16());
    progress.detail.http_version = Some(format!("{:?}", head.version));
    progress.stage = Stage::Body;
    let started = Instant::now();
    let read = read(body, limit, progress).await;
    progress.spans.transfer += started.elapsed();
    let (body, whole) = read.map_err(|error| Failure {
        when: When::Other,
        trouble: trouble_of(&error, &progress.peer(), "in the middle of its answer"),
    })?;
    Ok(Heard { code: head.status, headers: head.headers, body, whole })
}

async fn send(sender: &mut Sender, request: Request<Full<Bytes>>) -> hyper::Result<Response<Incoming>> {
    match sender {
        Sender::One(sender) => {
            sender.ready().await?;
            sender.send_request(request).await
        }
        Sender::Two(sender) => {
            sender.ready().await?;
            sender.send_request(request).await
        }
    }
}

fn io_error(error: &hyper::Error) -> Option<&std::io::Error> {
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            return Some(io);
        }
        source = inner.source();
    }
    None
}

/// Why HTTP failed, in words.
fn trouble_of(error: &hyper::Error, peer: &str, during: &str) -> Trouble {
    if let Some(io) = io_error(error) {
        return match tls_error(io) {
            Some(error) => Trouble::peer(in_words(error, peer)),
            None => Trouble::of_stream(io, peer, during),
        };
    }
    Trouble::peer(if error.to_string() == TOO_LARGE {
        format!("{peer} sent too many headers: more than 100, or more than {} KiB", HEADER_LIMIT / 1024)
    } else if error.is_parse_version_h2() {
        format!("{peer} speaks HTTP/2 only; set `http_version = \"2\"`")
    } else if error.is_parse() {
        format!("{peer} does not answer in HTTP")
    } else if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        format!("{peer} closed the connection {during}")
    } else {
        let why = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        format!("HTTP with {peer} failed {during}: {why}")
    })
}

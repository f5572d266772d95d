//! One attempt at a service: how far it got, what it measured and what it came to.

use crate::trouble::{Origin, Trouble};
use crate::words;
use p7_core::result::Phases;
use p7_core::vocabulary::{MeshTime, Micros, Outcome};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::Instant;

/// What one attempt came to.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The outcome, before this machine's own network is considered.
    pub outcome: Outcome,
    /// How long it took from its beginning to its end.
    pub latency: Micros,
    /// Where the time went.
    pub phases: Phases,
    /// Why, in words; absent when up.
    pub reason: Option<String>,
    /// The answer's status code, where the kind has one.
    pub status_code: Option<u16>,
    /// When the first certificate of the chain expires, where one was shown.
    pub certificate_expiry: Option<MeshTime>,
    /// Whom a failure came from; the peer when there was none.
    pub origin: Origin,
    /// What a person at a command line wants to see beside.
    pub detail: Detail,
}

impl Attempt {
    /// An attempt that could not even begin.
    pub(crate) fn untested(why: &str) -> Self {
        Self {
            outcome: Outcome::Failed,
            latency: Micros(0),
            phases: Phases::default(),
            reason: Some(why.to_owned()),
            status_code: None,
            certificate_expiry: None,
            origin: Origin::Peer,
            detail: Detail::default(),
        }
    }
}

/// What a person at a command line wants to see of an attempt.
#[derive(Debug, Clone, Default)]
pub struct Detail {
    /// The address that was connected to, or tried last.
    pub peer: Option<SocketAddr>,
    /// `HTTP/1.1`, `HTTP/2.0` …
    pub http_version: Option<String>,
    /// `TLSv1_3` …
    pub tls_version: Option<String>,
    /// Where it was redirected to, in order, without credentials.
    pub redirects: Vec<String>,
    /// How much of the answer's body was read, in bytes.
    pub body_bytes: u64,
    /// Whether the body was longer than its limit and cut there.
    pub body_cut: bool,
    /// Whether a kept connection was used.
    pub reused: bool,
}

/// What is being waited for, to say so when time runs out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Token,
    Resolve,
    Connect,
    Proxy,
    Tls,
    Answer,
    Body,
}

/// The phases while they are measured.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spans {
    pub(crate) resolve: Duration,
    pub(crate) connect: Duration,
    pub(crate) tls: Duration,
    pub(crate) processing: Duration,
    pub(crate) transfer: Duration,
}

/// How far an attempt has got; it is still there when the attempt is cut off.
#[derive(Debug)]
pub(crate) struct Progress {
    pub(crate) started: Instant,
    pub(crate) deadline: Instant,
    pub(crate) stage: Stage,
    pub(crate) host: String,
    pub(crate) spans: Spans,
    pub(crate) status_code: Option<u16>,
    pub(crate) certificate_expiry: Option<MeshTime>,
    pub(crate) detail: Detail,
}

/// What a kind decides about an answer: the outcome, and why if it is not up.
pub(crate) type Judgement = (Outcome, Option<String>);

/// Runs one attempt of a kind within `timeout` in all.
pub(crate) async fn within(
    timeout: Duration,
    run: impl AsyncFnOnce(&mut Progress) -> Result<Judgement, Trouble>,
) -> Attempt {
    let mut progress = Progress::new(timeout);
    let deadline = progress.deadline;
    let judged = match tokio::time::timeout_at(deadline, run(&mut progress)).await {
        Ok(judged) => judged,
        Err(_elapsed) => {
            progress.charge();
            Err(progress.timed_out(timeout))
        }
    };
    let latency = Micros::measured(progress.started.elapsed());
    let (outcome, reason, origin) = match judged {
        Ok((outcome, reason)) => (outcome, reason, Origin::Peer),
        Err(trouble) => (Outcome::Failed, Some(trouble.reason), trouble.origin),
    };
    let spans = progress.spans;
    Attempt {
        outcome,
        latency,
        phases: Phases {
            resolve: Micros::measured(spans.resolve),
            connect: Micros::measured(spans.connect),
            tls: Micros::measured(spans.tls),
            processing: Micros::measured(spans.processing),
            transfer: Micros::measured(spans.transfer),
        },
        reason,
        status_code: progress.status_code,
        certificate_expiry: progress.certificate_expiry,
        origin,
        detail: progress.detail,
    }
}

impl Progress {
    fn new(timeout: Duration) -> Self {
        let started = Instant::now();
        Self {
            started,
            deadline: started + timeout,
            stage: Stage::Resolve,
            host: String::new(),
            spans: Spans::default(),
            status_code: None,
            certificate_expiry: None,
            detail: Detail::default(),
        }
    }

    /// The peer's address in words.
    pub(crate) fn peer(&self) -> String {
        self.detail.peer.map_or_else(|| self.host.clone(), |peer| peer.to_string())
    }

    /// Notes an expiry; the earliest of all that were seen counts.
    pub(crate) fn note_expiry(&mut self, expiry: Option<MeshTime>) {
        self.certificate_expiry = match (self.certificate_expiry, expiry) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }

    /// Charges the time that is not accounted for to what was being waited for.
    fn charge(&mut self) {
        let spans = &mut self.spans;
        let known = spans.resolve + spans.connect + spans.tls + spans.processing + spans.transfer;
        let rest = self.started.elapsed().saturating_sub(known);
        *match self.stage {
            Stage::Resolve => &mut spans.resolve,
            Stage::Connect | Stage::Proxy => &mut spans.connect,
            Stage::Tls => &mut spans.tls,
            Stage::Token | Stage::Answer => &mut spans.processing,
            Stage::Body => &mut spans.transfer,
        } += rest;
    }

    fn timed_out(&self, timeout: Duration) -> Trouble {
        let (peer, limit) = (self.peer(), words::span(timeout));
        let connected = words::span(self.spans.connect);
        Trouble::silence(match self.stage {
            Stage::Token => format!("no access token from {} within {limit}", self.host),
            Stage::Resolve => {
                format!("can't resolve `{}` within {limit}: the resolver does not answer", self.host)
            }
            Stage::Connect => format!("no connection to {peer} within {limit}"),
            Stage::Proxy => format!("the proxy {peer} did not connect to `{}` within {limit}", self.host),
            Stage::Tls => {
                format!("no TLS handshake with {peer} within {limit} (connected after {connected})")
            }
            Stage::Answer if self.detail.reused => format!("no answer within {limit} (on a kept connection)"),
            Stage::Answer => format!("no answer within {limit} (connected after {connected})"),
            Stage::Body => format!(
                "the answer did not end within {limit} ({} were read)",
                words::size(self.detail.body_bytes)
            ),
        })
    }
}

//! What went wrong with a probe, in words a person understands, and whom the failure came from.

use std::io;
use std::net::SocketAddr;

/// Whom a failure came from. Only silence can be the fault of this machine's own network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The peer answered something, be it a refusal: the network works.
    Peer,
    /// Nobody answered.
    Silence,
    /// This machine could not even try, for want of files or ports.
    Node,
}

/// A failure of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// Why, as a sentence without its full stop.
    pub(crate) reason: String,
    /// Whom it came from.
    pub(crate) origin: Origin,
}

impl Trouble {
    /// The peer answered, but not as it should.
    pub(crate) fn peer(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), origin: Origin::Peer }
    }

    /// Nobody answered.
    pub(crate) fn silence(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), origin: Origin::Silence }
    }

    /// Why no connection to `peer` came about.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the rest is not ours to list and is told in its own words"
    )]
    pub(crate) fn of_connect(error: &io::Error, peer: SocketAddr) -> Self {
        use io::ErrorKind as Kind;
        if let Some(own) = Self::of_node(error) {
            return own;
        }
        match error.kind() {
            Kind::ConnectionRefused => Self::peer(format!("connection refused by {peer}")),
            Kind::ConnectionReset => Self::peer(format!("{peer} reset the connection at once")),
            Kind::NetworkUnreachable | Kind::NetworkDown => {
                Self::silence(format!("no route to {peer}: the network is unreachable"))
            }
            Kind::HostUnreachable => Self::silence(format!("no way to {peer}: the host is unreachable")),
            Kind::TimedOut => Self::silence(format!("no connection to {peer}: it does not answer")),
            _ => Self::silence(format!("no connection to {peer}: {error}")),
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the rest is not ours to list and is told in its own words"
    )]
    /// Why a connection to `peer` that stood broke; `during` says in the middle of what.
    pub(crate) fn of_stream(error: &io::Error, peer: &str, during: &str) -> Self {
        use io::ErrorKind as Kind;
        match error.kind() {
            Kind::ConnectionReset | Kind::BrokenPipe | Kind::ConnectionAborted => {
                Self::peer(format!("{peer} reset the connection {during}"))
            }
            Kind::UnexpectedEof => Self::peer(format!("{peer} closed the connection {during}")),
            Kind::TimedOut => Self::silence(format!("the connection to {peer} went silent {during}")),
            Kind::HostUnreachable | Kind::NetworkUnreachable => {
                Self::silence(format!("the way to {peer} was lost {during}"))
            }
            _ => Self::peer(format!("the connection to {peer} failed {during}: {error}")),
        }
    }

    /// A failure that is this machine's own.
    #[expect(clippy::wildcard_enum_match_arm, reason = "only these few are this machine's own")]
    fn of_node(error: &io::Error) -> Option<Self> {
        // ENFILE and EMFILE have no kind of their own; the numbers are alike on all Unix systems
        let out_of_files = cfg!(unix) && matches!(error.raw_os_error(), Some(23 | 24));
        let what = match error.kind() {
            io::ErrorKind::AddrNotAvailable => "all its local ports are in use",
            io::ErrorKind::OutOfMemory => "it is out of memory",
            _ if out_of_files => "too many files are open; raise the limit (`ulimit -n`)",
            _ => return None,
        };
        Some(Self {
            reason: format!("this machine can open no more connections: {what}"),
            origin: Origin::Node,
        })
    }
}

//! What a channel is: a file of `channels/` implements [`Channel`], the agent uses it as a [`Speaker`].

use crate::http::Http;
use p7_core::facts::Acknowledgement;
use p7_core::incident::Incident;
use p7_core::result::ProbeResult;
use p7_core::speech::message::{Message, Previous};
use p7_core::speech::rules::Known;
use p7_core::vocabulary::MeshTime;
use std::fmt::Debug;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// Longest receipt, in bytes: it travels in every ledger entry. A longer one is not kept.
pub const RECEIPT_LIMIT: usize = 200;
/// Most requests one message becomes: a channel leaves services out and says how many before it needs more.
pub const REQUESTS_LIMIT: usize = 5;
/// Tries of a message's second and further requests: the first has been read by then, so that the whole
/// is not begun again.
const FURTHER_TRIES: usize = 3;
/// Longest wait before another of these tries.
const FURTHER_WAIT: Duration = Duration::from_secs(5);

/// What became of a sending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The channel has accepted it. Its receipt, a short text that only the channel's own file understands
    /// (such as a chat's channel and timestamp), comes back with what follows on the same services.
    Sent(Option<Arc<str>>),
    /// Not this time; the same may be tried again.
    Retry {
        /// Not before this, where the channel says so.
        after: Option<Duration>,
        /// What happened, in lower-case words without any secret.
        why: String,
        /// Whether it may have been accepted all the same.
        arrival: Arrival,
    },
    /// The channel will not take it, however often it is tried.
    Refused {
        /// What it says, in lower-case words without any secret.
        why: String,
        /// What a person is to do about it.
        what_to_do: String,
    },
}

/// Whether a message may have arrived although its sender was not told so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// It has not.
    No,
    /// It may have: the answer did not come.
    Perhaps,
}

/// What a channel does with a message it may have already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// It knows messages by their key and drops the second: nothing needs to be marked.
    DropsKnown,
    /// People read it twice, so a message in doubt is marked.
    Repeats,
}

/// What a channel can do with an earlier message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follows {
    /// It can answer below it or change it, by its receipt.
    Earlier,
    /// Every message stands alone.
    Nothing,
}

/// What a channel can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    /// With a message it may have already.
    pub again: Again,
    /// With an earlier message.
    pub follows: Follows,
}

/// What a channel needs to reach the outside.
#[derive(Debug, Clone)]
pub struct Outside {
    /// HTTP.
    pub http: Http,
}

/// What a node allows and has at hand for its channels.
#[derive(Debug, Clone, Default)]
pub struct Node {
    /// The configuration's folder: relative files are looked for there.
    pub base: PathBuf,
    /// Programs that channels may run on this node.
    pub programs: Vec<PathBuf>,
}

impl Node {
    /// A node whose configuration is in `base` and that allows no programs.
    pub fn at(base: &Path) -> Self {
        Self { base: base.to_owned(), programs: Vec::new() }
    }
}

/// Why a channel can't be used on this node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{key}`: {why}")]
pub struct Unready {
    /// The key of its table that is at fault.
    pub key: String,
    /// What is wrong and what to do.
    pub why: String,
}

impl Unready {
    /// `key` of the channel's table is at fault.
    pub fn new(key: &str, why: impl Into<String>) -> Self {
        Self { key: key.to_owned(), why: why.into() }
    }
}

/// Something that happened, for channels that keep a log of everything.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// What.
    pub happening: Happening<'a>,
    /// The service it happened to.
    pub known: &'a Known,
    /// What people call the node that says so.
    pub node: &'a str,
    /// The mesh's name.
    pub mesh: &'a str,
    /// When it is noted.
    pub at: MeshTime,
}

/// What happened.
#[derive(Debug, Clone, Copy)]
pub enum Happening<'a> {
    /// A service was tested.
    Result(&'a ProbeResult),
    /// An incident opened, worsened, was acknowledged or ended.
    Incident(&'a Incident, Option<&'a Acknowledgement>),
}

/// A way to tell people, made ready: secrets resolved, files read.
///
/// `render` is pure, so that tests compare requests and open no socket; `send` sends one of them and says
/// how its answer is to be taken.
pub trait Channel: Debug + Send + Sync + 'static {
    /// One thing that goes out.
    type Request: Debug + Send + Sync;

    /// What it can do.
    fn abilities(&self) -> Abilities;

    /// A message as it goes out: at least one request and at most [`REQUESTS_LIMIT`], each within the
    /// channel's own limits; what has no room is counted in it. `previous` is given where the channel
    /// follows earlier messages and all services of this one were told of in the same one.
    fn render(&self, message: &Message, previous: Option<&Previous>) -> Vec<Self::Request>;

    /// Sends one request, and says what became of it. The receipt of the first request counts; `thread`
    /// is that receipt when a further request is sent.
    fn send(
        &self,
        request: &Self::Request,
        thread: Option<&str>,
        outside: &Outside,
    ) -> impl Future<Output = Outcome> + Send;

    /// Whether it keeps a log of everything.
    fn keeps_log(&self) -> bool {
        false
    }

    /// What happened as lines of its log.
    fn lines(&self, _: &Entry<'_>) -> Vec<String> {
        Vec::new()
    }

    /// Lines of its log as they go out, sent by the node that people call `by`.
    fn log(&self, _lines: &str, _by: &str) -> Option<Self::Request> {
        None
    }

    /// Looks for a message in doubt at the channel, by its key. Its receipt, or an empty one, when it is
    /// there; none when it is not, or the channel can't be asked. What it should have changed of `previous`
    /// is changed then.
    fn look_up(
        &self,
        _message: &Message,
        _previous: Option<&Previous>,
        _outside: &Outside,
    ) -> impl Future<Output = Option<Arc<str>>> + Send {
        async { None }
    }
}

/// The future of a sending.
pub type Saying<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A channel as the agent uses it; every [`Channel`] is one.
pub trait Speaker: Debug + Send + Sync {
    /// What it can do.
    fn abilities(&self) -> Abilities;
    /// Says a message, in as many requests as that takes.
    fn say<'a>(
        &'a self,
        message: &'a Message,
        previous: Option<&'a Previous>,
        outside: &'a Outside,
    ) -> Saying<'a, Outcome>;
    /// Whether it keeps a log of everything.
    fn keeps_log(&self) -> bool;
    /// What happened as lines of its log.
    fn lines(&self, entry: &Entry<'_>) -> Vec<String>;
    /// Sends lines of its log.
    fn log<'a>(&'a self, lines: String, by: String, outside: &'a Outside) -> Saying<'a, Outcome>;
    /// Looks for a message in doubt.
    fn look_up<'a>(
        &'a self,
        message: &'a Message,
        previous: Option<&'a Previous>,
        outside: &'a Outside,
    ) -> Saying<'a, Option<Arc<str>>>;
}

impl<C: Channel> Speaker for C {
    fn abilities(&self) -> Abilities {
        Channel::abilities(self)
    }

    fn say<'a>(
        &'a self,
        message: &'a Message,
        previous: Option<&'a Previous>,
        outside: &'a Outside,
    ) -> Saying<'a, Outcome> {
        Box::pin(async move {
            let requests = self.render(message, previous);
            let Some((first, further)) = requests.split_first() else {
                let why = "it has nothing to send".to_owned();
                return Outcome::Refused { why, what_to_do: "tell the makers of p7".to_owned() };
            };
            let receipt = match self.send(first, None, outside).await {
                Outcome::Sent(receipt) => receipt.filter(|text| text.len() <= RECEIPT_LIMIT),
                other @ (Outcome::Retry { .. } | Outcome::Refused { .. }) => return other,
            };
            for request in further.iter().take(REQUESTS_LIMIT - 1) {
                send_further(self, request, receipt.as_deref(), outside).await;
            }
            Outcome::Sent(receipt)
        })
    }

    fn keeps_log(&self) -> bool {
        Channel::keeps_log(self)
    }

    fn lines(&self, entry: &Entry<'_>) -> Vec<String> {
        Channel::lines(self, entry)
    }

    fn log<'a>(&'a self, lines: String, by: String, outside: &'a Outside) -> Saying<'a, Outcome> {
        Box::pin(async move {
            match Channel::log(self, &lines, &by) {
                Some(request) => self.send(&request, None, outside).await,
                None => Outcome::Sent(None),
            }
        })
    }

    fn look_up<'a>(
        &'a self,
        message: &'a Message,
        previous: Option<&'a Previous>,
        outside: &'a Outside,
    ) -> Saying<'a, Option<Arc<str>>> {
        Box::pin(Channel::look_up(self, message, previous, outside))
    }
}

/// Sends a further request of a message whose first was accepted. What is lost of it is counted and logged:
/// the first says what happened, so the whole is not begun again.
async fn send_further<C: Channel>(
    channel: &C,
    request: &C::Request,
    thread: Option<&str>,
    outside: &Outside,
) {
    for _ in 0..FURTHER_TRIES {
        match channel.send(request, thread, outside).await {
            Outcome::Sent(_) => return,
            Outcome::Retry { after, why, .. } => {
                tracing::debug!(why, "a further part of a message was not taken");
                tokio::time::sleep(after.unwrap_or(Duration::from_secs(1)).min(FURTHER_WAIT)).await;
            }
            Outcome::Refused { why, .. } => {
                tracing::debug!(why, "a further part of a message was refused");
                break;
            }
        }
    }
    p7_bus::note_dropped("parts of messages", 1);
    tracing::warn!("a part of a long message could not be sent; its beginning was");
}

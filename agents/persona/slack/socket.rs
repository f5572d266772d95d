//! The socket: opened, kept, acknowledged on, and replaced before Slack closes it.
//!
//! Source: docs.slack.dev, "Using Socket Mode". A socket lives some hours; before its end Slack says so, and
//! a new one is opened while the old one still delivers. Every envelope is acknowledged before anybody looks
//! at it, so that no work delays it.

use super::api::{Api, Trouble, is_loopback};
use super::envelope::{Frame, Heard, Reason, acknowledgement, read};
use super::seen::Seen;
use futures_util::{SinkExt, StreamExt};
use p7_settings::SecretText;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};
use url::Url;

/// How long opening may take, up to `hello`.
const OPEN_WITHIN: Duration = Duration::from_secs(15);
/// Largest message, in bytes: an interaction carries the whole message it belongs to.
const MESSAGE_LIMIT: usize = 1024 * 1024;
/// Envelopes that wait to be looked at.
const WAITING_LIMIT: usize = 256;
/// How long a socket may be silent; Slack itself pings every few seconds.
pub(crate) const SILENCE: Duration = Duration::from_secs(25);
/// How long a socket that is being replaced may still deliver.
const LEAVE_WITHIN: Duration = Duration::from_secs(30);
/// The first wait after a failure; each next one is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest.
const LONGEST_WAIT: Duration = Duration::from_secs(120);
/// A socket that lived so long was a good one: the waits begin anew.
const GOOD_AFTER: Duration = Duration::from_secs(60);

type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Who we are in the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Me {
    pub(crate) team: String,
    pub(crate) user: String,
}

/// What the socket tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Told {
    /// It works, and we are this.
    Connected(Me),
    /// It does not; why, and for how long until the next try.
    Trouble(String),
    /// Somebody did something, not heard before.
    Heard(Box<Heard>),
    /// Something came again.
    Repeated,
}

/// What a socket needs.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) api: Api,
    pub(crate) app_token: SecretText,
    pub(crate) bot_token: SecretText,
    /// After so long without a word the far end is asked for one; after as long again it is taken for dead.
    pub(crate) silence: Duration,
}

/// What one socket says to the one who keeps them.
enum Event {
    Frame(Frame),
    Closed(String),
}

/// Keeps a socket open until it is dropped; `tell` hears of everything.
pub(crate) async fn keep(line: Line, tell: impl Fn(Told)) {
    let (to, mut events) = mpsc::channel(WAITING_LIMIT);
    let mut keeper = Keeper {
        line,
        to,
        // dropped with this function: no socket outlives it
        sockets: JoinSet::new(),
        seen: Seen::default(),
        current: 0,
        failures: 0,
        opened: None,
        due: Some(Instant::now()),
    };
    loop {
        let due = keeper.due;
        tokio::select! {
            Some((socket, event)) = events.recv() => keeper.hear(socket, event, &tell),
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => keeper.renew(&tell).await,
        }
    }
}

/// The one who keeps sockets: one at most times, two while one replaces the other.
struct Keeper {
    line: Line,
    to: mpsc::Sender<(u64, Event)>,
    sockets: JoinSet<()>,
    seen: Seen,
    /// The number of the newest socket.
    current: u64,
    failures: u32,
    /// When that was opened; none while it is not.
    opened: Option<Instant>,
    /// When to open the next one; none while there is no need to.
    due: Option<Instant>,
}

impl Keeper {
    async fn renew(&mut self, tell: &impl Fn(Told)) {
        while self.sockets.try_join_next().is_some() {}
        self.current += 1;
        let opened = async {
            let me = who(&self.line).await?;
            open(&self.line, self.current, &self.to, &mut self.sockets).await?;
            Ok(me)
        };
        match opened.await {
            Ok(me) => {
                (self.opened, self.due) = (Some(Instant::now()), None);
                tell(Told::Connected(me));
            }
            Err(trouble) => self.failed(&trouble, tell),
        }
    }

    fn failed(&mut self, trouble: &Trouble, tell: &impl Fn(Told)) {
        if self.opened.take().is_some_and(|at| at.elapsed() >= GOOD_AFTER) {
            self.failures = 0;
        }
        let wait = match trouble {
            Trouble::Limited(wait) => (*wait).max(FIRST_WAIT),
            Trouble::Refused(_) => LONGEST_WAIT,
            Trouble::Failed(_) => backoff(self.failures),
        };
        self.failures = self.failures.saturating_add(1);
        self.due = Some(Instant::now() + wait);
        tell(Told::Trouble(format!("{trouble}; the next try is in {} s", wait.as_secs())));
    }

    fn hear(&mut self, socket: u64, event: Event, tell: &impl Fn(Told)) {
        let is_current = socket == self.current && self.opened.is_some();
        match event {
            Event::Frame(Frame::Envelope { heard: Some(heard), .. }) => {
                let is_new = self.seen.is_new(&heard.keys);
                tell(if is_new { Told::Heard(heard) } else { Told::Repeated });
            }
            // the old one delivers and is acknowledged meanwhile, by its own task
            Event::Frame(Frame::Disconnect(Reason::Refresh)) if is_current => self.due = Some(Instant::now()),
            Event::Frame(Frame::Disconnect(Reason::TooMany)) if is_current => {
                self.failed(
                    &Trouble::Failed("Slack says that the app has too many sockets (10)".into()),
                    tell,
                );
            }
            Event::Frame(Frame::Disconnect(Reason::Disabled)) if is_current => self.failed(&disabled(), tell),
            Event::Closed(why) if is_current && self.due.is_none() => {
                self.failed(&Trouble::Failed(why), tell);
            }
            Event::Frame(_) | Event::Closed(_) => {}
        }
    }
}

fn disabled() -> Trouble {
    Trouble::Refused("link_disabled".into())
}

fn backoff(failures: u32) -> Duration {
    FIRST_WAIT.saturating_mul(2_u32.saturating_pow(failures.min(16))).min(LONGEST_WAIT)
}

async fn who(line: &Line) -> Result<Me, Trouble> {
    let said = line.api.form("auth.test", &line.bot_token, &[]).await?;
    match (said["team_id"].as_str(), said["user_id"].as_str()) {
        (Some(team), Some(user)) => Ok(Me { team: team.to_owned(), user: user.to_owned() }),
        _ => Err(Trouble::Failed("Slack does not say whose token this is".to_owned())),
    }
}

/// Opens a socket, waits for its `hello`, and has it read from then on.
async fn open(
    line: &Line,
    number: u64,
    to: &mpsc::Sender<(u64, Event)>,
    sockets: &mut JoinSet<()>,
) -> Result<(), Trouble> {
    let said = line.api.form("apps.connections.open", &line.app_token, &[]).await?;
    let address = said["url"].as_str().unwrap_or_default();
    let url = Url::parse(address)
        .map_err(|_unreadable| Trouble::Failed("Slack gives no address for a socket".into()))?;
    // the address holds a ticket: it stands in no error
    if !(url.scheme() == "wss" || (url.scheme() == "ws" && is_loopback(&url))) {
        return Err(Trouble::Failed("Slack gives an address that is not encrypted".into()));
    }
    let limits =
        WebSocketConfig::default().max_message_size(Some(MESSAGE_LIMIT)).max_frame_size(Some(MESSAGE_LIMIT));
    let opening = async {
        let (mut stream, _) = connect_async_with_config(url.as_str(), Some(limits), true)
            .await
            .map_err(|why| Trouble::Failed(format!("the socket can't be opened: {}", said_of(&why))))?;
        loop {
            match next(&mut stream).await.map_err(Trouble::Failed)? {
                Some(Frame::Hello) => return Ok(stream),
                Some(Frame::Disconnect(Reason::Disabled)) => {
                    return Err(disabled());
                }
                Some(Frame::Disconnect(_)) => {
                    return Err(Trouble::Failed("Slack refuses one more socket; the app may have 10".into()));
                }
                Some(Frame::Envelope { .. } | Frame::Other) | None => {}
            }
        }
    };
    let late = |_| Trouble::Failed(format!("the socket did not open within {} s", OPEN_WITHIN.as_secs()));
    let stream = timeout(OPEN_WITHIN, opening).await.map_err(late)??;
    sockets.spawn(attend(stream, number, line.silence, to.clone()));
    Ok(())
}

/// Reads a socket to its end and acknowledges what comes, at once.
async fn attend(mut stream: Stream, number: u64, silence: Duration, to: mpsc::Sender<(u64, Event)>) {
    let mut leaves: Option<Instant> = None;
    let why = loop {
        if leaves.is_some_and(|at| Instant::now() >= at) {
            break "the old socket was left".to_owned();
        }
        let within = leaves.map_or(silence, |at| at.saturating_duration_since(Instant::now()));
        let frame = match timeout(within, next(&mut stream)).await {
            Ok(Ok(Some(frame))) => frame,
            Ok(Ok(None)) => continue,
            Ok(Err(why)) => break why,
            Err(_silence) if leaves.is_some() => continue,
            Err(_silence) => match poke(&mut stream, silence).await {
                Ok(Some(frame)) => frame,
                Ok(None) => continue,
                Err(why) => break why,
            },
        };
        if let Frame::Envelope { id, .. } = &frame
            && let Err(why) = stream.send(Message::text(acknowledgement(id))).await
        {
            break said_of(&why);
        }
        if matches!(frame, Frame::Disconnect(_)) {
            leaves.get_or_insert(Instant::now() + LEAVE_WITHIN);
        }
        // acknowledged already: what finds no room is lost, and counted
        if to.try_send((number, Event::Frame(frame))).is_err() {
            p7_bus::note_dropped("persona_socket", 1);
        }
    };
    drop(timeout(Duration::from_secs(2), stream.close(None)).await);
    drop(to.send((number, Event::Closed(why))).await);
}

/// Asks a silent far end for a word.
async fn poke(stream: &mut Stream, silence: Duration) -> Result<Option<Frame>, String> {
    stream.send(Message::Ping(Vec::new().into())).await.map_err(|why| said_of(&why))?;
    match timeout(silence, next(stream)).await {
        Ok(heard) => heard,
        Err(_silence) => Err(format!("Slack was silent for {} s", silence.as_secs() * 2)),
    }
}

/// The next message; none for a ping or pong.
async fn next(stream: &mut Stream) -> Result<Option<Frame>, String> {
    match stream.next().await {
        Some(Ok(Message::Text(text))) => Ok(Some(read(text.as_str()))),
        Some(Ok(Message::Close(_))) | None => Err("Slack closed the socket".to_owned()),
        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_))) => Ok(None),
        Some(Err(why)) => Err(said_of(&why)),
    }
}

/// What went wrong, without any address.
fn said_of(error: &tokio_tungstenite::tungstenite::Error) -> String {
    use tokio_tungstenite::tungstenite::Error;
    if let Error::Http(answer) = error {
        return format!("it answers {}", answer.status());
    }
    let text: String = error.to_string().chars().take(160).collect();
    if text.contains("://") { "the connection broke".to_owned() } else { text }
}

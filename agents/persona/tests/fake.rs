//! Slack on loopback, as strict as its documentation: methods, tickets, sockets, envelopes, acknowledgements.
//! What a client does against the rules is noted as a fault.

#[path = "fake_web.rs"]
mod web;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

pub(crate) const APP_TOKEN: &str = "xapp-1-A1-test";
pub(crate) const BOT_TOKEN: &str = "xoxb-test";
pub(crate) const TEAM: &str = "T1";
pub(crate) const BOT: &str = "U0BOT";
/// Slack's: an envelope is acknowledged within 3 s. A busy test machine may add as much again some times.
pub(crate) const ACK_WITHIN: Duration = Duration::from_secs(3 * 4);
/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(40);

/// A method that was called.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) body: Value,
}

enum Order {
    Send(Value),
    Close,
    /// Reads and says nothing any more.
    Freeze,
}

struct Socket {
    orders: UnboundedSender<Order>,
    is_open: bool,
}

struct Pending {
    since: Instant,
    takes_payload: bool,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) calls: Vec<Call>,
    /// What was against the rules.
    pub(crate) faults: Vec<String>,
    /// Acknowledged envelopes, and how many methods were called before.
    pub(crate) acks: Vec<(String, usize)>,
    pub(crate) sockets_limit: usize,
    pub(crate) ack_within: Duration,
    pub(crate) groups: BTreeMap<String, Vec<String>>,
    sockets: Vec<Socket>,
    pending: BTreeMap<String, Pending>,
    tickets: BTreeSet<String>,
    /// Methods that answer 429 so many times.
    limited: BTreeMap<String, u32>,
    number: u64,
}

impl State {
    pub(crate) fn open_sockets(&self) -> usize {
        self.sockets.iter().filter(|socket| socket.is_open).count()
    }

    pub(crate) fn all_sockets(&self) -> usize {
        self.sockets.len()
    }

    pub(crate) fn called(&self, method: &str) -> Vec<Value> {
        let calls = self.calls.iter().filter(|call| call.method == method);
        calls.map(|call| call.body.clone()).collect()
    }

    fn next(&mut self) -> u64 {
        self.number += 1;
        self.number
    }
}

/// A running fake.
#[derive(Clone)]
pub(crate) struct Fake {
    pub(crate) base: String,
    socket_base: String,
    state: Arc<Mutex<State>>,
}

impl Fake {
    /// Listens until the runtime ends.
    pub(crate) async fn start() -> Self {
        let http = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sockets = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let fake = Self {
            base: format!("http://{}/api/", http.local_addr().unwrap()),
            socket_base: format!("ws://{}/link/", sockets.local_addr().unwrap()),
            state: Arc::new(Mutex::new(State {
                sockets_limit: 10,
                ack_within: ACK_WITHIN,
                ..State::default()
            })),
        };
        let serving = fake.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = http.accept().await {
                let fake = serving.clone();
                tokio::spawn(async move { fake.serve(stream).await });
            }
        });
        let serving = fake.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = sockets.accept().await {
                let fake = serving.clone();
                tokio::spawn(async move { fake.attend(stream).await });
            }
        });
        fake
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Waits until there is something.
    pub(crate) async fn wait<T>(&self, what: &str, found: impl Fn(&State) -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(found) = found(&self.state()) {
                return found;
            }
            if began.elapsed() > PATIENCE {
                let state = self.state();
                panic!("waited for {what}; faults {:?}; calls {:#?}", state.faults, state.calls);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) async fn connected(&self) {
        self.wait("a socket", |state| (state.open_sockets() > 0).then_some(())).await;
    }

    /// Waits for the `count`th message or change of one, and gives it.
    pub(crate) async fn said(&self, method: &str, count: usize) -> Value {
        self.wait(&format!("{count} times {method}"), |state| state.called(method).get(count - 1).cloned())
            .await
    }

    /// Ends a test: nothing was against the rules, and everything was acknowledged in time.
    pub(crate) async fn is_content(&self) {
        self.wait("all acknowledgements", |state| state.pending.is_empty().then_some(())).await;
        let state = self.state();
        assert_eq!(state.faults, Vec::<String>::new());
        assert!(!state.acks.is_empty(), "nothing was acknowledged");
    }

    /// The next calls of a method are answered 429, wait 1 s.
    pub(crate) fn limit(&self, method: &str, times: u32) {
        self.state().limited.insert(method.to_owned(), times);
    }

    /// Somebody mentions the bot in a channel. Answers the whole envelope.
    pub(crate) fn mention(&self, channel: &str, user: &str, text: &str) -> Value {
        let ts = format!("17000000{:02}.000100", self.state().next());
        let event = json!({
            "type": "app_mention", "user": user, "text": format!("<@{BOT}> {text}"), "ts": ts, "channel": channel,
            "team": TEAM, "event_ts": ts,
        });
        self.event(&event)
    }

    /// An event of any kind.
    pub(crate) fn event(&self, event: &Value) -> Value {
        let number = self.state().next();
        let payload = json!({
            "token": "x", "team_id": TEAM, "api_app_id": "A1", "event": event, "type": "event_callback",
            "event_id": format!("Ev{number}"), "event_time": 1_700_000_000,
        });
        self.deliver("events_api", &payload)
    }

    pub(crate) fn slash(&self, user: &str, text: &str) -> Value {
        let number = self.state().next();
        let payload = json!({
            "token": "x", "team_id": TEAM, "team_domain": "test", "channel_id": "C1", "channel_name": "ops",
            "user_id": user, "user_name": "ada", "command": "/p7", "text": text, "api_app_id": "A1",
            "trigger_id": format!("{number}.1.t"), "response_url": self.base.replace("/api/", &format!("/respond/{number}")),
        });
        self.deliver("slash_commands", &payload)
    }

    pub(crate) fn press(&self, user: &str, action: &str, value: &str) -> Value {
        let number = self.state().next();
        let payload = json!({
            "type": "block_actions", "team": { "id": TEAM, "domain": "test" }, "api_app_id": "A1", "token": "x",
            "user": { "id": user, "username": "ada", "name": "ada", "team_id": TEAM },
            "container": { "type": "message", "message_ts": "1700000000.000001", "channel_id": "C1" },
            "trigger_id": format!("{number}.2.t"), "channel": { "id": "C1", "name": "ops" },
            "message": { "type": "message", "ts": "1700000000.000001", "bot_id": "B1" },
            "response_url": self.base.replace("/api/", &format!("/respond/{number}")),
            "actions": [{ "type": "button", "action_id": action, "block_id": "b", "value": value, "action_ts": "1" }],
        });
        self.deliver("interactive", &payload)
    }

    fn deliver(&self, kind: &str, payload: &Value) -> Value {
        let id = format!("env-{}", self.state().next());
        let envelope = json!({
            "envelope_id": id, "type": kind, "payload": payload,
            "accepts_response_payload": kind != "events_api",
        });
        self.resend(&envelope);
        envelope
    }

    /// Sends an envelope on the newest open socket, as Slack sends to one of them.
    pub(crate) fn resend(&self, envelope: &Value) {
        let mut state = self.state();
        let id = envelope["envelope_id"].as_str().unwrap().to_owned();
        let takes_payload = envelope["accepts_response_payload"] == true;
        state.pending.insert(id, Pending { since: Instant::now(), takes_payload });
        let socket = state.sockets.iter().rfind(|socket| socket.is_open).unwrap();
        socket.orders.send(Order::Send(envelope.clone())).unwrap();
    }

    /// Sends an envelope on the oldest open socket.
    pub(crate) fn resend_on_oldest(&self, envelope: &Value) {
        let mut state = self.state();
        let id = envelope["envelope_id"].as_str().unwrap().to_owned();
        state.pending.insert(id, Pending { since: Instant::now(), takes_payload: false });
        let socket = state.sockets.iter().find(|socket| socket.is_open).unwrap();
        socket.orders.send(Order::Send(envelope.clone())).unwrap();
    }

    pub(crate) fn disconnect(&self, reason: &str) {
        let state = self.state();
        let socket = state.sockets.iter().rfind(|socket| socket.is_open).unwrap();
        let message = json!({ "type": "disconnect", "reason": reason, "debug_info": { "host": "fake" } });
        socket.orders.send(Order::Send(message)).unwrap();
    }

    /// Closes the oldest open socket.
    pub(crate) fn close_oldest(&self) {
        let state = self.state();
        let socket = state.sockets.iter().find(|socket| socket.is_open).unwrap();
        socket.orders.send(Order::Close).unwrap();
    }

    /// The newest socket stays open and says nothing any more, not even a pong.
    pub(crate) fn freeze(&self) {
        let state = self.state();
        let socket = state.sockets.iter().rfind(|socket| socket.is_open).unwrap();
        socket.orders.send(Order::Freeze).unwrap();
    }

    async fn attend(&self, stream: TcpStream) -> Option<()> {
        let tickets = Arc::clone(&self.state);
        #[expect(clippy::result_large_err, reason = "the library's own shape")]
        let check = move |request: &Request, answer: Response| -> Result<Response, ErrorResponse> {
            let query = request.uri().query().unwrap_or_default();
            let ticket = query.split('&').find_map(|part| part.strip_prefix("ticket=")).unwrap_or_default();
            let mut state = tickets.lock().unwrap();
            if request.uri().path() == "/link/" && state.tickets.remove(ticket) {
                return Ok(answer);
            }
            state.faults.push(format!("a socket without a good ticket: {}", request.uri()));
            let mut refused = ErrorResponse::new(None);
            *refused.status_mut() = tokio_tungstenite::tungstenite::http::StatusCode::FORBIDDEN;
            Err(refused)
        };
        let mut stream = accept_hdr_async(stream, check).await.ok()?;
        let (orders, mut given) = unbounded_channel();
        let (number, count, too_many) = {
            let mut state = self.state();
            let too_many = state.open_sockets() >= state.sockets_limit;
            state.sockets.push(Socket { orders, is_open: !too_many });
            (state.sockets.len() - 1, state.open_sockets(), too_many)
        };
        if too_many {
            let no = json!({ "type": "disconnect", "reason": "too_many_websockets", "debug_info": {} });
            stream.send(Message::text(no.to_string())).await.ok()?;
            return stream.close(None).await.ok();
        }
        let hello = json!({
            "type": "hello", "num_connections": count, "connection_info": { "app_id": "A1" },
            "debug_info": { "host": "fake", "build_number": 1, "approximate_connection_time": 18_060 },
        });
        stream.send(Message::text(hello.to_string())).await.ok()?;
        self.talk(&mut stream, &mut given).await;
        self.state().sockets[number].is_open = false;
        Some(())
    }

    async fn talk(
        &self,
        stream: &mut tokio_tungstenite::WebSocketStream<TcpStream>,
        given: &mut UnboundedReceiver<Order>,
    ) {
        loop {
            tokio::select! {
                order = given.recv() => match order {
                    Some(Order::Send(message)) => {
                        if stream.send(Message::text(message.to_string())).await.is_err() {
                            return;
                        }
                    }
                    Some(Order::Close) | None => return drop(stream.close(None).await),
                    Some(Order::Freeze) => {
                        // until the client gives up; its bytes wait unread
                        let gone = stream.get_ref();
                        loop {
                            let mut byte = [0; 1];
                            match gone.peek(&mut byte).await {
                                Ok(0) | Err(_) => return,
                                Ok(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                            }
                            if gone.try_read(&mut [0; 512]).is_ok_and(|read| read == 0) {
                                return;
                            }
                        }
                    }
                },
                message = stream.next() => match message {
                    Some(Ok(Message::Text(text))) => self.acknowledged(text.as_str()),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                    Some(Ok(other)) => self.state().faults.push(format!("a client says {other:?}")),
                },
            }
        }
    }

    fn acknowledged(&self, text: &str) {
        let mut state = self.state();
        let message: Value = serde_json::from_str(text).unwrap_or(Value::Null);
        let id = message["envelope_id"].as_str().unwrap_or_default().to_owned();
        match state.pending.remove(&id) {
            None => state.faults.push(format!("it acknowledges what waits for nothing: {text}")),
            Some(pending) => {
                let after = pending.since.elapsed();
                if after >= state.ack_within {
                    state.faults.push(format!("{id} is acknowledged after {after:?}"));
                }
                if message.get("payload").is_some() && !pending.takes_payload {
                    state.faults.push(format!("{id} takes no payload: {text}"));
                }
                let before = state.calls.len();
                state.acks.push((id, before));
            }
        }
    }
}

//! Server-sent events: every change as it happens, resumable, and never queued for a slow listener.
//!
//! Each listener remembers the number of the last change it was sent and takes from the board what changed
//! since. One that reads slowly sees fewer steps, never a wrong state, and holds no memory of ours.

use crate::api::dto::{ConfigurationChanged, IncidentDto, MeshChanged, NetworkDto, ServiceChanged, StoreDto};
use crate::board::{Board, Change};
use crate::pages::Site;
use crate::problem::Problem;
use crate::shared::Shared;
use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::stream;
use p7_bus::IncidentChanged;
use serde::Serialize;
use serde_json::json;
use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Listeners at the same time: a wall of screens and some tabs; each costs a connection.
pub(crate) const LISTENERS_LIMIT: usize = 128;
/// How often a quiet stream says that it lives: below the idle limit of common proxies (30 to 60 s).
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long changes are gathered before they are sent: below what an eye notices.
const GATHER: Duration = Duration::from_millis(100);
/// A listener that has not taken anything for so long, heartbeats included, is gone.
const STALLED: Duration = Duration::from_secs(60);
/// How long a browser waits before it comes back.
const RETRY_MS: u32 = 2000;
/// Longest `Last-Event-ID` that is looked at.
const ID_LIMIT: usize = 64;

/// Who listens now, and the number of this run of the process: ids of an earlier run mean nothing.
#[derive(Debug)]
pub(crate) struct Listeners {
    boot: String,
    born: Instant,
    clients: Mutex<BTreeMap<u64, Arc<Client>>>,
    next: AtomicU64,
    stopping: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Client {
    /// When it last took something, in ms since the listeners' birth.
    took_ms: AtomicU64,
    evicted: AtomicBool,
}

/// A listener's place; it is free again when this is dropped.
#[derive(Debug)]
struct Seat {
    listeners: Arc<Listeners>,
    number: u64,
    client: Arc<Client>,
}

impl Listeners {
    /// Nobody yet; `boot` tells this run of the process from any other.
    pub(crate) fn new(boot: u64) -> Arc<Self> {
        Arc::new(Self {
            boot: format!("{boot:x}"),
            born: Instant::now(),
            clients: Mutex::default(),
            next: AtomicU64::new(0),
            stopping: watch::Sender::new(false),
        })
    }

    /// How many listen.
    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    /// The id of a change: what `Last-Event-ID` gives back.
    pub(crate) fn id(&self, change: u64) -> String {
        format!("{}-{change}", self.boot)
    }

    /// Ends every stream.
    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// The number of the change with this id, if it is one of this run.
    fn change_of(&self, id: &str) -> Option<u64> {
        let (boot, change) = id.get(..ID_LIMIT.min(id.len()))?.split_once('-')?;
        change.parse().ok().filter(|_| boot == self.boot)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Client>>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn age_ms(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// A seat, if there is one; those who take nothing any more lose theirs first.
    fn seat(self: &Arc<Self>) -> Option<Seat> {
        self.seat_at(self.age_ms())
    }

    fn seat_at(self: &Arc<Self>, now: u64) -> Option<Seat> {
        let stalled = u64::try_from(STALLED.as_millis()).unwrap_or(u64::MAX);
        let mut clients = self.lock();
        clients.retain(|_, client| {
            let alive = now.saturating_sub(client.took_ms.load(Ordering::Relaxed)) < stalled;
            if !alive {
                client.evicted.store(true, Ordering::Relaxed);
                p7_bus::note_dropped("event_listeners", 1);
            }
            alive
        });
        if clients.len() >= LISTENERS_LIMIT {
            return None;
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let client = Arc::new(Client { took_ms: AtomicU64::new(now), ..Client::default() });
        clients.insert(number, Arc::clone(&client));
        Some(Seat { listeners: Arc::clone(self), number, client })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.listeners.lock().remove(&self.number);
    }
}

/// Every change as a stream of server-sent events
///
/// Events: `hello` (first; `data.id` is where the stream starts), `reset` (first instead of `hello` when what
/// was missed can't be told: load everything anew), `service` (`data.service` and its card as HTML in
/// `data.card`), `incident`, `network`, `configuration`, `services` (the set of services changed: load anew),
/// `store`. Each has an `id`; send the last one back as `Last-Event-ID` to go on from there.
#[utoipa::path(get, path = "/api/v1/events", tag = "events",
    params(
        ("Last-Event-ID" = Option<String>, Header, description = "Go on after this event."),
        ("last_event_id" = Option<String>, Query,
            description = "The same for who can't set headers; the header wins."),
    ),
    responses((status = 200, description = "The stream; it does not end by itself.",
        content_type = "text/event-stream", body = String)))]
pub(crate) async fn events(request: HttpRequest, shared: web::Data<Shared>) -> Result<HttpResponse, Problem> {
    let query = crate::api::query::Query::of(&request, &["last_event_id"])?;
    let header = request.headers().get("last-event-id").and_then(|value| value.to_str().ok());
    let asked = header.or(query.text("last_event_id"));
    let Some(seat) = shared.listeners.seat() else {
        return Err(Problem::unavailable(format!(
            "{LISTENERS_LIMIT} pages are listening already; close some, or ask /api/v1/services now and then"
        )));
    };
    let now = shared.board.read().version;
    let known =
        asked.map(|id| shared.listeners.change_of(id).filter(|seen| shared.board.catch_up(*seen).is_ok()));
    let (name, seen) = match known {
        Some(Some(seen)) => ("hello", seen),
        Some(None) => ("reset", now),
        None => ("hello", now),
    };
    let hello = json!({ "id": shared.listeners.id(seen), "node": shared.parts.node_name,
        "version": shared.parts.version });
    let mut first = format!("retry: {RETRY_MS}\n").into_bytes();
    first.extend_from_slice(&event(&shared.listeners.id(seen), name, &hello));
    let follower = Follower {
        changes: shared.board.follow(),
        stopping: shared.listeners.stopping.subscribe(),
        shared: shared.into_inner(),
        seat,
        seen,
        ready: VecDeque::new(),
        first: Some(first.into()),
    };
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header(("x-accel-buffering", "no"))
        // keeps the compressing middleware from holding events back; taken off again further out
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .streaming(stream::unfold(follower, |mut follower| async {
            let chunk = follower.next().await?;
            Some((Ok::<_, Infallible>(chunk), follower))
        })))
}

/// One listener's place in the row of changes.
struct Follower {
    shared: Arc<Shared>,
    seat: Seat,
    changes: watch::Receiver<u64>,
    stopping: watch::Receiver<bool>,
    seen: u64,
    ready: VecDeque<(u64, Change)>,
    first: Option<Bytes>,
}

impl Follower {
    /// The next piece to send; none ends the stream.
    async fn next(&mut self) -> Option<Bytes> {
        let listeners = &self.seat.listeners;
        self.seat.client.took_ms.store(listeners.age_ms(), Ordering::Relaxed);
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        loop {
            if *self.stopping.borrow() || self.seat.client.evicted.load(Ordering::Relaxed) {
                return None;
            }
            if let Some((number, change)) = self.ready.pop_front() {
                self.seen = number;
                return Some(self.encoded(number, &change));
            }
            let changed = self.changes.wait_for(|version| *version > self.seen);
            tokio::select! {
                _ = self.stopping.wait_for(|stopping| *stopping) => return None,
                () = tokio::time::sleep(HEARTBEAT) => return Some(Bytes::from_static(b": still here\n\n")),
                gone = changed => drop(gone.ok()?),
            }
            tokio::time::sleep(GATHER).await;
            self.gather();
        }
    }

    fn gather(&mut self) {
        let board: &Board = &self.shared.board;
        if let Ok(changes) = board.changes_since(self.seen) {
            self.ready.extend(changes);
        } else {
            self.seen = board.read().version;
            self.ready.push_back((self.seen, Change::Services));
            tracing::debug!("an event listener fell too far behind and loads anew");
        }
    }

    fn encoded(&self, number: u64, change: &Change) -> Bytes {
        let id = self.shared.listeners.id(number);
        let now = self.shared.now();
        match change {
            Change::Service(shown) => shown
                .event
                .get_or_init(|| {
                    let card = crate::views::card(&self.shared, shown, Site::Live);
                    let names = self.shared.names();
                    event(&id, "service", &ServiceChanged::of(shown, &names, &card.html)).into()
                })
                .clone(),
            Change::Incident(IncidentChanged { incident, acknowledged }) => {
                event(&id, "incident", &IncidentDto::of(incident, acknowledged.as_ref(), now)).into()
            }
            Change::Network(noted) => event(&id, "network", &NetworkDto::of(noted)).into(),
            Change::Configuration(noted) => {
                event(&id, "configuration", &ConfigurationChanged::of(noted)).into()
            }
            Change::Services => event(&id, "services", &json!({})).into(),
            Change::Store(noted) => event(&id, "store", &StoreDto::of(noted)).into(),
            Change::Mesh(view) => event(&id, "mesh", &MeshChanged::of(view)).into(),
        }
    }
}

fn event(id: &str, name: &str, data: &impl Serialize) -> Vec<u8> {
    // JSON has no line ends outside of its strings and escapes them inside
    let data = serde_json::to_string(data).unwrap_or_else(|_never| "{}".to_owned());
    format!("id: {id}\nevent: {name}\ndata: {data}\n\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_takes_nothing_for_a_minute_loses_the_seat_and_is_counted() {
        let listeners = Listeners::new(1);
        let mut seats: Vec<Seat> = (0..LISTENERS_LIMIT).filter_map(|_| listeners.seat_at(0)).collect();
        assert_eq!(listeners.count(), LISTENERS_LIMIT);
        seats[0].client.took_ms.store(1000, Ordering::Relaxed);
        assert!(listeners.seat_at(59_999).is_none());
        let late = listeners.seat_at(60_000).unwrap();
        assert_eq!(listeners.count(), 2, "the newcomer and the one that took something");
        assert_eq!(p7_bus::dropped().get("event_listeners"), Some(&127));
        assert!(
            seats[1].client.evicted.load(Ordering::Relaxed)
                && !seats[0].client.evicted.load(Ordering::Relaxed)
        );
        seats.clear();
        drop(late);
        assert_eq!(listeners.count(), 0);
    }

    #[test]
    fn an_id_is_of_one_run_of_the_process() {
        let (this, other) = (Listeners::new(1), Listeners::new(2));
        assert_eq!(this.change_of(&this.id(7)), Some(7));
        for stranger in [other.id(7).as_str(), "", "1", "1-", "1-x", "1--7"] {
            assert_eq!(this.change_of(stranger), None, "{stranger}");
        }
    }
}

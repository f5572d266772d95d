//! The HTTP server: starting, the paths, stopping.

use crate::api::{devices, holds, incidents, node, notifications, services, shared_config, statements};
use crate::board::Board;
use crate::config::Config;
use crate::dashboard::Dashboard;
use crate::events::Listeners;
use crate::guard::{self, Guard};
use crate::pages::{Pages, PagesError};
use crate::problem::Problem;
use crate::shared::{Parts, Shared};
use crate::{events, health, metrics, publishing, views};
use actix::prelude::*;
use actix_web::dev::ServerHandle;
use actix_web::guard::{Any, Get, Head};
use actix_web::middleware::{Compress, from_fn};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{App, FromRequest, Handler, HttpServer, Responder};
use p7_settings::{SecretError, SecretText};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Threads that serve: they only pass on what is rendered elsewhere, and one does thousands a second.
const WORKERS: usize = 1;
/// Threads that read the store and render: one may be at a large page while the other answers. Each keeps
/// memory of its own for what it rendered.
const BLOCKING_THREADS: usize = 2;
/// Connections it holds: every listener twice, and room for scrapes and people.
const CONNECTIONS_LIMIT: usize = 512;
/// How long a client may take for a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an idle connection stays open: above the interval of common scrapers.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long requests may go on once the server stops; the whole node has 5 s.
const DRAIN_S: u64 = 3;
/// Shortest admin token: anything shorter can be guessed.
const TOKEN_LENGTH: usize = 16;

/// Why the dashboard could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address can't be had.
    #[error(
        "can't listen on {address}: {source}; stop what listens there (perhaps another p7), or choose another \
         `listen` in [http] of node.toml"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The admin token can't be had.
    #[error("`admin_token` in [http] of node.toml: {0}")]
    Token(#[from] SecretError),
    /// The admin token is too short.
    #[error(
        "`admin_token` in [http] of node.toml is shorter than {TOKEN_LENGTH} characters; use a longer one"
    )]
    ShortToken,
    /// The pages can't be made.
    #[error("`dashboards` in [http] of node.toml: {0}")]
    Pages(#[from] PagesError),
}

/// The running dashboard.
#[derive(Debug)]
pub struct Running {
    /// Tell it what happens.
    pub address: Addr<Dashboard>,
    /// Where it listens.
    pub listening: Vec<SocketAddr>,
    server: ServerHandle,
    listeners: Arc<Listeners>,
}

impl Running {
    /// Ends every event stream, lets requests finish and stops, at the latest after `within`.
    pub async fn stop(self, within: Duration) {
        self.listeners.stop();
        if tokio::time::timeout(within, self.server.stop(true)).await.is_err() {
            self.server.stop(false).await;
        }
    }
}

/// Starts listening and serving. `base` is the configuration's folder, for relative paths in it.
///
/// # Errors
/// [`StartError`] when an address, the token or the pages can't be had.
pub fn start(config: &Config, base: &Path, parts: Parts) -> Result<Running, StartError> {
    let token = config.admin_token.as_ref().map(|secret| secret.resolve(base)).transpose()?;
    if token.as_ref().is_some_and(|token: &SecretText| token.expose().len() < TOKEN_LENGTH) {
        return Err(StartError::ShortToken);
    }
    let folder = config.dashboards.as_ref().map(|folder| base.join(folder));
    let pages = Pages::load(folder.as_deref())?;
    let started = (parts.clock)();
    let board = Arc::new(Board::of(&parts.node, &parts.node_name));
    let listeners = Listeners::new(started.0);
    let shared = Data::new(Shared {
        started,
        board: Arc::clone(&board),
        guard: Guard { token, hosts: config.hosts.iter().map(|host| host.to_ascii_lowercase()).collect() },
        pages,
        listeners: Arc::clone(&listeners),
        parts,
    });
    let mut server = HttpServer::new(move || {
        App::new()
            .app_data(Data::clone(&shared))
            .wrap(from_fn(guard::watch))
            .wrap(Compress::default())
            .wrap(from_fn(guard::seal))
            .configure(|config| drop(register(config)))
            .default_service(web::to(views::nowhere))
    })
    .workers(WORKERS)
    .worker_max_blocking_threads(BLOCKING_THREADS)
    .max_connections(CONNECTIONS_LIMIT)
    .client_request_timeout(HEAD_TIMEOUT)
    .keep_alive(KEEP_ALIVE)
    // a listener that closes its end is gone, not waiting for the rest of an endless stream
    .h1_allow_half_closed(false)
    .shutdown_timeout(DRAIN_S)
    .disable_signals();
    for address in &config.listen {
        server = server.bind(address).map_err(|source| StartError::Listen { address: *address, source })?;
    }
    let listening = server.addrs();
    let server = server.run();
    let handle = server.handle();
    actix::spawn(async move {
        if let Err(error) = server.await {
            tracing::error!(%error, "the HTTP server ended");
        }
    });
    Ok(Running { address: Dashboard::new(board).start(), listening, server: handle, listeners })
}

/// Registers every path and lists them with their methods.
pub(crate) fn register(config: &mut ServiceConfig) -> Vec<(&'static str, &'static str)> {
    let mut paths = Paths { config, listed: Vec::new() };
    paths.read("/api/v1/services", services::list);
    paths.read("/api/v1/services/{id}", services::one);
    paths.read("/api/v1/services/{id}/results", services::results);
    paths.read("/api/v1/services/{id}/history", services::history);
    paths.state("/api/v1/services/{id}/ack", statements::acknowledge);
    paths.state("/api/v1/services/{id}/deployment", statements::deployment);
    paths.state("/api/v1/services/{id}/probe", statements::probe);
    paths.read("/api/v1/incidents", incidents::list);
    paths.read("/api/v1/incidents/{id}", incidents::one);
    paths.read_or_state("/api/v1/silences", holds::silences, holds::start_silence);
    paths.read_or_end("/api/v1/silences/{id}", holds::silence, holds::end_silence);
    paths.read_or_state("/api/v1/maintenance", holds::maintenances, holds::start_maintenance);
    paths.read_or_end("/api/v1/maintenance/{id}", holds::maintenance, holds::end_maintenance);
    paths.read("/api/v1/mesh", node::mesh);
    paths.read("/api/v1/mesh/matrix", node::matrix);
    paths.read("/api/v1/publish", publishing::publish);
    paths.read_or_state("/api/v1/config", node::config, shared_config::apply);
    paths.read("/api/v1/config/shared", shared_config::shared);
    paths.read("/api/v1/devices", devices::list);
    paths.state("/api/v1/devices/{id}/show", devices::show);
    paths.state("/api/v1/devices/{id}/test", devices::test);
    paths.state("/api/v1/devices/{id}/say", devices::say);
    paths.read("/api/v1/notifications", notifications::list);
    paths.state("/api/v1/channels/{id}/test", notifications::test);
    paths.read("/api/v1/openapi.json", node::openapi);
    paths.follow("/api/v1/events", events::events);
    paths.read("/metrics", metrics::metrics);
    paths.read("/healthz", health::healthz);
    paths.read("/readyz", health::readyz);
    paths.read("/badge/{id}.svg", views::badge);
    paths.read("/", views::index);
    paths.read("/services/{id}", views::service);
    paths.read("/mesh", views::mesh);
    paths.read("/p7.html", views::p7);
    paths.read("/p7adv.html", views::p7adv);
    paths.read("/assets/{name}", views::asset);
    paths.read("/favicon.ico", views::favicon);
    paths.read("/favicon.svg", views::favicon);
    paths.read("/{id}.html", views::service_file);
    paths.listed
}

/// Registers a path with what may be done there; anything else is answered with what may.
struct Paths<'a> {
    config: &'a mut ServiceConfig,
    listed: Vec<(&'static str, &'static str)>,
}

/// A handler the server library takes; its own bounds in one name.
trait Serves<Args>: Handler<Args, Output: Responder + 'static> {}
impl<Args, F: Handler<Args, Output: Responder + 'static>> Serves<Args> for F {}

impl Paths<'_> {
    fn read<A: FromRequest + 'static>(&mut self, path: &'static str, read: impl Serves<A>) {
        self.add("GET, HEAD", path, web::resource(path).route(reading(read)));
    }

    fn state<A: FromRequest + 'static>(&mut self, path: &'static str, state: impl Serves<A>) {
        self.add("POST", path, web::resource(path).route(web::post().to(state)));
    }

    fn read_or_state<A: FromRequest + 'static, B: FromRequest + 'static>(
        &mut self,
        path: &'static str,
        read: impl Serves<A>,
        state: impl Serves<B>,
    ) {
        let resource = web::resource(path).route(reading(read)).route(web::post().to(state));
        self.add("GET, HEAD, POST", path, resource);
    }

    fn read_or_end<A: FromRequest + 'static, B: FromRequest + 'static>(
        &mut self,
        path: &'static str,
        read: impl Serves<A>,
        end: impl Serves<B>,
    ) {
        let resource = web::resource(path).route(reading(read)).route(web::delete().to(end));
        self.add("GET, HEAD, DELETE", path, resource);
    }

    /// A stream that never ends has no HEAD.
    fn follow<A: FromRequest + 'static>(&mut self, path: &'static str, follow: impl Serves<A>) {
        self.add("GET", path, web::resource(path).route(web::get().to(follow)));
    }

    fn add(&mut self, methods: &'static str, path: &'static str, resource: actix_web::Resource) {
        let other = move || async move { Err::<&'static str, _>(Problem::method_not_allowed(methods)) };
        self.config.service(resource.default_service(web::to(other)));
        self.listed.push((methods, path));
    }
}

fn reading<A: FromRequest + 'static>(handler: impl Serves<A>) -> actix_web::Route {
    web::route().guard(Any(Get()).or(Head())).to(handler)
}

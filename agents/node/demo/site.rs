//! The demo site: a real HTTP server whose services fail and recover on a script.

use super::script::{self, LEISURELY_STEP};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, dev::ServerHandle, http::StatusCode, web};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

/// Connections that may wait or be open: a site to be tested by a few nodes, not a web server.
const CONNECTION_LIMIT: usize = 256;

/// A running demo site. It ends with the actix system it was started in, or by [`Site::stop`].
#[derive(Debug)]
pub(crate) struct Site {
    address: SocketAddr,
    server: ServerHandle,
}

impl Site {
    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it; answers under way are cut.
    pub(crate) async fn stop(&self) {
        self.server.stop(false).await;
    }
}

#[derive(Clone, Copy)]
struct Clock {
    start: Instant,
    step: Duration,
}

/// Starts the site inside a running actix system, at a pace for those who test it every ten seconds.
///
/// # Errors
/// When the address can't be listened on.
pub(crate) fn start(address: SocketAddr) -> io::Result<Site> {
    start_with_step(address, LEISURELY_STEP)
}

/// Starts the site with steps of another length, such as the interval of those who watch it.
///
/// # Errors
/// When the address can't be listened on.
pub(crate) fn start_with_step(address: SocketAddr, step: Duration) -> io::Result<Site> {
    let listener = TcpListener::bind(address)?;
    let address = listener.local_addr()?;
    let clock = Clock { start: Instant::now(), step };
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::new(clock))
            .route("/", web::get().to(contents))
            .default_service(web::route().to(play))
    })
    .workers(1)
    .max_connections(CONNECTION_LIMIT)
    .disable_signals()
    .shutdown_timeout(0)
    .listen(listener)?
    .run();
    let handle = server.handle();
    actix::spawn(server);
    Ok(Site { address, server: handle })
}

async fn play(request: HttpRequest, clock: web::Data<Clock>) -> HttpResponse {
    let Some(answer) = script::answer(request.path(), clock.start.elapsed(), clock.step) else {
        return HttpResponse::NotFound().body("nothing here");
    };
    actix::clock::sleep(answer.delay).await;
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    HttpResponse::build(status)
        .content_type("text/plain; charset=utf-8")
        .insert_header(("cache-control", "no-store"))
        .body(answer.body)
}

async fn contents() -> HttpResponse {
    let lines = script::PATHS.map(|(path, plays)| format!("{path}  {plays}\n"));
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(lines.concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    async fn get(site: &Site, path: &str) -> (u16, String) {
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.get(format!("http://{}{path}", site.address())).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    #[actix::test]
    async fn every_path_of_the_script_answers_on_its_port() {
        let site = start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        for (path, _) in script::PATHS {
            assert_eq!(get(&site, path).await, (200, "all is well".to_owned()), "{path}");
        }
        assert_eq!(get(&site, "/nothing").await.0, 404);
        assert!(get(&site, "/").await.1.contains("/wrong-text  answers 200"));
        site.stop().await;
    }

    #[actix::test]
    async fn the_site_follows_its_script() {
        // a step this long ago that the script is in its eighth
        let site =
            start_with_step(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), Duration::from_millis(1)).unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut seen = std::collections::BTreeSet::new();
        while seen.len() < 2 && Instant::now() < deadline {
            seen.insert(get(&site, "/down").await.0);
        }
        assert_eq!(seen, [200, 502].into());
    }

    #[actix::test]
    async fn a_taken_port_is_an_error() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let error = start(taken.local_addr().unwrap()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }
}

//! Going through a proxy: where it is, how we log in there, and the tunnel it digs for `https://`.

use super::auth::basic;
use super::config::{Proxy, http_url};
use crate::attempt::{Progress, Stage};
use crate::kinds::Unready;
use crate::net::resolve::Place;
use crate::trouble::Trouble;
use crate::words::clipped;
use hyper::header::HeaderValue;
use std::path::Path;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// Longest answer to `CONNECT`, in bytes: a status line and a few headers.
const ANSWER_LIMIT: usize = 8 * 1024;

/// A proxy, ready to be gone through.
#[derive(Debug)]
pub(super) struct Gate {
    place: Place,
    login: Option<HeaderValue>,
}

impl Gate {
    pub(super) fn new(proxy: &Proxy, base: &Path) -> Result<Self, Unready> {
        let url = http_url(&proxy.url, &["http"]).map_err(|why| Unready::new("proxy.url", why))?;
        let place = Place::of_url(&url).ok_or_else(|| Unready::new("proxy.url", "has no host"))?;
        let login = match (&proxy.username, &proxy.password) {
            (Some(username), Some(password)) => {
                let password = password.resolve(base);
                let password = password.map_err(|e| Unready::new("proxy.password", e.to_string()))?;
                Some(basic(username, &password).map_err(|why| Unready::new("proxy.username", why))?)
            }
            (Some(_) | None, None) | (None, Some(_)) => None,
        };
        Ok(Self { place, login })
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    pub(super) fn login(&self) -> Option<&HeaderValue> {
        self.login.as_ref()
    }

    /// A failure to reach the proxy, said to be the proxy's.
    pub(super) fn blamed(&self, trouble: &Trouble) -> Trouble {
        Trouble {
            reason: format!("the proxy {} can't be reached: {}", self.place, trouble.reason),
            origin: trouble.origin,
        }
    }

    /// Has the proxy connect us to `place`.
    pub(super) async fn tunnel(
        &self,
        stream: &mut TcpStream,
        place: &Place,
        progress: &mut Progress,
    ) -> Result<(), Trouble> {
        progress.stage = Stage::Proxy;
        progress.host.clone_from(&place.host);
        let started = Instant::now();
        let answer = self.ask(stream, place).await;
        progress.spans.connect += started.elapsed();
        let proxy = &self.place;
        let answer = answer
            .map_err(|e| Trouble::of_stream(&e, &format!("the proxy {proxy}"), "before it had answered"))?;
        let status = answer.lines().next().unwrap_or("");
        match status.split(' ').nth(1) {
            Some(code) if code.starts_with('2') && code.len() == 3 => Ok(()),
            Some("407") => Err(Trouble::peer(format!("the proxy {proxy} refuses our credentials"))),
            Some(_) => {
                let status = clipped(status.trim());
                Err(Trouble::peer(format!("the proxy {proxy} can't connect to {place}: {status}")))
            }
            None => Err(Trouble::peer(format!("the proxy {proxy} does not answer in HTTP"))),
        }
    }

    async fn ask(&self, stream: &mut TcpStream, place: &Place) -> std::io::Result<String> {
        let mut request = format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n").into_bytes();
        if let Some(login) = &self.login {
            request.extend_from_slice(b"Proxy-Authorization: ");
            request.extend_from_slice(login.as_bytes());
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"\r\n");
        stream.write_all(&request).await?;
        let mut answer = Vec::new();
        let mut chunk = [0; 1024];
        // the other side of the tunnel waits for our handshake, so nothing follows the empty line yet
        while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
            let read = stream.read(&mut chunk).await?;
            if read == 0 || answer.len() > ANSWER_LIMIT {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            answer.extend_from_slice(chunk.get(..read).unwrap_or(&[]));
        }
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}

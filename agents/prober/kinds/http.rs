//! The `http` probe: one request, its redirects, and what the answer comes to.

mod auth;
mod body;
mod codes;
mod config;
mod judge;
mod link;
mod pool;
mod proxy;
mod redirect;

pub use codes::CodeRange;
pub use config::{Auth, Basic, Config, HttpVersion, JsonCondition, OAuth2, Proxy};
pub(super) use judge::{JsonTest, json_path};

use crate::attempt::{Attempt, Judgement, Progress, within};
use crate::kinds::Unready;
use crate::net::resolve::{Ip, Place};
use crate::net::tls::{Offer, Secure};
use crate::trouble::Trouble;
use crate::words;
use auth::Login;
use body::Limit;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Uri, Version};
use judge::{Answer, Expectations, judge};
use link::{Heard, Link};
use p7_core::vocabulary::Outcome;
use pool::Pool;
use proxy::Gate;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// The settings with secrets, files and patterns at hand.
#[derive(Debug)]
pub struct Ready {
    url: Url,
    method: Method,
    /// Headers that every host on the way may see.
    open: HeaderMap,
    /// Headers for the service itself only.
    private: HeaderMap,
    body: Bytes,
    login: Login,
    gate: Option<Gate>,
    ip: Ip,
    secure: Secure,
    version: HttpVersion,
    /// Where connections are kept for the next probe; none where each probe has its own.
    pool: Option<Arc<Pool>>,
    limit: Limit,
    max_redirects: u8,
    wanted: Expectations,
}

/// What another kind makes of an answer that is as wanted.
type Further<'a> = &'a (dyn Fn(&[u8], Option<&str>) -> Judgement + Sync);

/// One request of an attempt: the first, or one that a redirect asked for.
#[derive(Debug, Clone)]
struct Ask {
    url: Url,
    method: Method,
    body: Bytes,
}

impl Config {
    pub(super) fn prepare(&self, base: &Path) -> Result<Ready, Unready> {
        let url = config::http_url(&self.url, &["http", "https"]).map_err(|why| Unready::new("url", why))?;
        let method = Method::from_bytes(self.method.as_bytes())
            .map_err(|_no_method| Unready::new("method", "is no method"))?;
        let offer = match self.http_version {
            HttpVersion::Auto => Offer::Both,
            HttpVersion::One => Offer::Http1,
            HttpVersion::Two => Offer::Http2,
        };
        let secure = Secure::new(&self.tls, offer, base)?;
        if url.scheme() == "https" {
            // faults of certificates show now and not at the first probe
            secure.config()?;
        }
        let (open, private) = self.headers(base)?;
        let wanted = Expectations::new(self)?;
        Ok(Ready {
            url,
            method,
            open,
            private,
            body: self.body.clone().map(Bytes::from).unwrap_or_default(),
            login: Login::new(self, base)?,
            gate: self.proxy.as_ref().map(|proxy| Gate::new(proxy, base)).transpose()?,
            ip: self.ip,
            secure,
            version: self.http_version,
            pool: self.reuse_connections.then(|| self.pool(base)),
            limit: Limit::new(self.body_limit, wanted.needs_body()),
            max_redirects: self.max_redirects,
            wanted,
        })
    }

    /// The kept connections of all services that connect as this one does.
    fn pool(&self, base: &Path) -> Arc<Pool> {
        let Self { tls, proxy, ip, http_version, .. } = self;
        Pool::of(format!("{} {tls:?} {proxy:?} {ip:?} {http_version:?}", base.display()))
    }

    /// The headers any host may see, and those for the service itself.
    fn headers(&self, base: &Path) -> Result<(HeaderMap, HeaderMap), Unready> {
        let mut open = HeaderMap::new();
        let mut private = HeaderMap::new();
        open.insert(header::USER_AGENT, value("user_agent", &self.user_agent)?);
        open.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
        for (given, text) in &self.headers {
            let key = format!("headers.{given}");
            let name = name(&key, given)?;
            let own = [header::AUTHORIZATION, header::COOKIE, header::HOST].contains(&name);
            let headers = if own { &mut private } else { &mut open };
            headers.insert(name, value(&key, text)?);
        }
        for (given, secret) in &self.secret_headers {
            let key = format!("secret_headers.{given}");
            let text = secret.resolve(base).map_err(|e| Unready::new(&key, e.to_string()))?;
            let mut value = value(&key, text.expose())?;
            value.set_sensitive(true);
            private.insert(name(&key, given)?, value);
        }
        Ok((open, private))
    }
}

fn name(key: &str, text: &str) -> Result<HeaderName, Unready> {
    HeaderName::from_bytes(text.as_bytes()).map_err(|_no_name| Unready::new(key, "is no header name"))
}

fn value(key: &str, text: &str) -> Result<HeaderValue, Unready> {
    HeaderValue::from_str(text).map_err(|_no_value| Unready::new(key, "has characters a header can't have"))
}

impl Ready {
    pub(super) fn is_local(&self) -> bool {
        let place = match &self.gate {
            Some(gate) => Some(gate.place().clone()),
            None => Place::of_url(&self.url),
        };
        place.is_some_and(|place| place.is_local())
    }

    /// The same, with the answer's body kept for somebody else to look at.
    pub(super) fn keeping_the_body(mut self, bytes: u64) -> Self {
        self.limit = Limit::new(bytes, true);
        self
    }

    pub(super) async fn attempt(&self, timeout: Duration) -> Attempt {
        self.attempt_and(timeout, &|_, _| (Outcome::Up, None)).await
    }

    /// Tests once; an answer that is as wanted is then judged by `further`, by its body and why that is
    /// not whole.
    pub(super) async fn attempt_and(&self, timeout: Duration, further: Further<'_>) -> Attempt {
        within(timeout, async |progress| self.run(progress, further).await).await
    }

    async fn run(&self, progress: &mut Progress, further: Further<'_>) -> Result<Judgement, Trouble> {
        let token = self.login.header(progress).await?;
        let mut ask = Ask { url: self.url.clone(), method: self.method.clone(), body: self.body.clone() };
        loop {
            let heard = self.exchange(&ask, token.as_ref(), progress).await?;
            let Some(next) = redirect::next(&ask, &heard, self.max_redirects)? else {
                return Ok(self.judge(&heard, progress, further).await);
            };
            if progress.detail.redirects.len() >= usize::from(self.max_redirects) {
                let to = words::clipped(&config::redacted(&next.url));
                let limit = self.max_redirects;
                return Err(Trouble::peer(format!("more than {limit} redirects, the last to {to}")));
            }
            progress.detail.redirects.push(config::redacted(&next.url));
            ask = next;
        }
    }

    async fn judge(&self, heard: &Heard, progress: &Progress, further: Further<'_>) -> Judgement {
        let (body, cut) = body::decoded(heard, &self.limit);
        let not_whole = cut.clone();
        let judged = judge(
            &self.wanted,
            &Answer {
                code: heard.code.as_u16(),
                headers: &heard.headers,
                body: &body,
                cut,
                latency: progress.started.elapsed(),
                certificate_expiry: progress.certificate_expiry,
                now: crate::clock::wall(),
            },
        );
        if judged.0 == Outcome::Unauthorized {
            // the token may have been withdrawn before its time
            self.login.forget().await;
        }
        if judged.0 == Outcome::Up { further(&body, not_whole.as_deref()) } else { judged }
    }

    /// One request and its answer, over a kept connection or a new one.
    async fn exchange(
        &self,
        ask: &Ask,
        token: Option<&HeaderValue>,
        progress: &mut Progress,
    ) -> Result<Heard, Trouble> {
        let place = Place::of_url(&ask.url).ok_or_else(|| Trouble::peer("the address has no host"))?;
        let https = ask.url.scheme() == "https";
        if let Some(kept) = self.pool.as_ref().and_then(|pool| pool.take(https, &place)) {
            let mut link = kept.wake(progress);
            let request = self.request(ask, token, link.version())?;
            match link.exchange(request, &self.limit, progress).await {
                Ok(heard) => return Ok(self.put_back(link, heard)),
                // it went stale while it was kept; only what may be repeated is
                Err(failure) if failure.is_stale(&ask.method) => progress.detail.reused = false,
                Err(failure) => return Err(failure.trouble),
            }
        }
        let mut link = Link::open(self, https, place, progress).await?;
        let request = self.request(ask, token, link.version())?;
        let heard = link.exchange(request, &self.limit, progress).await.map_err(|f| f.trouble)?;
        Ok(self.put_back(link, heard))
    }

    fn put_back(&self, link: Link, heard: Heard) -> Heard {
        if let Some(pool) = &self.pool
            && heard.whole
            && let Some(link) = link.keep()
        {
            pool.put(link);
        }
        heard
    }

    /// The request as it goes over the wire of `version`.
    fn request(
        &self,
        ask: &Ask,
        token: Option<&HeaderValue>,
        version: Version,
    ) -> Result<Request<Full<Bytes>>, Trouble> {
        let unfit = || Trouble::peer(format!("can't ask for {}", config::redacted(&ask.url)));
        let at_home = ask.url.origin() == self.url.origin();
        let mut headers = self.open.clone();
        if at_home {
            headers.extend(self.private.clone());
            if let Some(token) = token {
                headers.insert(header::AUTHORIZATION, token.clone());
            }
        }
        let authority = redirect::authority(&ask.url);
        let host = match headers.remove(header::HOST) {
            Some(host) => host,
            None => HeaderValue::from_str(&authority).map_err(|_unfit| unfit())?,
        };
        let path = redirect::path_and_query(&ask.url);
        let through_proxy = self.gate.is_some() && ask.url.scheme() == "http";
        let uri = if version == Version::HTTP_2 {
            let host = host.to_str().map_err(|_unfit| unfit())?;
            format!("{}://{host}{path}", ask.url.scheme())
        } else {
            headers.insert(header::HOST, host);
            if self.pool.is_none() {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            if through_proxy {
                if let Some(login) = self.gate.as_ref().and_then(Gate::login) {
                    headers.insert(header::PROXY_AUTHORIZATION, login.clone());
                }
                format!("http://{authority}{path}")
            } else {
                path.to_owned()
            }
        };
        let mut request = Request::new(Full::new(ask.body.clone()));
        *request.uri_mut() = Uri::try_from(uri).map_err(|_unfit| unfit())?;
        *request.method_mut() = ask.method.clone();
        *request.headers_mut() = headers;
        Ok(request)
    }
}

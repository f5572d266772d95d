//! Who may ask what: host names, foreign pages, the admin token, and the headers every answer carries.

use crate::problem::{PROBLEM_JSON, Problem};
use crate::shared::Shared;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest, web};
use p7_settings::SecretText;
use std::net::{IpAddr, SocketAddr};
use subtle::ConstantTimeEq;

/// Only our own scripts, styles and pictures; nothing may frame us or be sent elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/// Headers by which a proxy shows itself: the peer's address is then not the client's.
const PROXY_HEADERS: [&str; 8] = [
    "forwarded",
    "via",
    "x-forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
    "cf-connecting-ip",
];
/// Pages about other hosts may show our badges, nothing else.
const BADGES: &str = "/badge/";

/// Who may do what on this node.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    /// The admin token, if one is configured.
    pub(crate) token: Option<SecretText>,
    /// Further host names this machine may be called by from itself, in lower case.
    pub(crate) hosts: Vec<String>,
}

impl Guard {
    /// Whether this request may change something: who asks may, and no page of another site made them.
    pub(crate) fn may_change(&self, request: &HttpRequest) -> Result<(), Problem> {
        is_own_page(request.headers())?;
        self.trusts(request)
    }

    /// Whether who asks may change something, whichever page led them here: what a page shows depends on this
    /// alone, since a link on another site may lead to it.
    pub(crate) fn trusts(&self, request: &HttpRequest) -> Result<(), Problem> {
        if let Some(given) = request.headers().get(header::AUTHORIZATION) {
            return self.is_token(given);
        }
        if is_local(request.peer_addr(), request.headers()) {
            return Ok(());
        }
        match self.token {
            Some(_) => Err(Problem::unauthorized(
                "to change something from another machine, send the header `Authorization: Bearer TOKEN` with the \
                 token of `http.admin_token`",
            )),
            None => Err(Problem::forbidden(
                "without an admin token only the node's own machine may change something, and not through a proxy; \
                 set `http.admin_token` in node.toml to allow it from elsewhere",
            )),
        }
    }

    fn is_token(&self, given: &HeaderValue) -> Result<(), Problem> {
        let Some(token) = &self.token else {
            return Err(Problem::unauthorized(
                "a token was sent but none is configured; set `http.admin_token` in node.toml, or send none from the \
                 node's own machine",
            ));
        };
        let scheme_and_token = given.to_str().ok().and_then(|text| text.split_once(' '));
        let right = scheme_and_token.is_some_and(|(scheme, text)| {
            let text = text.trim_start().as_bytes();
            scheme.eq_ignore_ascii_case("bearer") && bool::from(text.ct_eq(token.expose().as_bytes()))
        });
        if right { Ok(()) } else { Err(Problem::unauthorized("this is not the token of `http.admin_token`")) }
    }

    /// A name that only resolves to this machine by somebody's trick (DNS rebinding) is not ours.
    fn is_own_name(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> Result<(), Problem> {
        if !is_loopback(peer) {
            return Ok(());
        }
        let Some(host) = headers.get(header::HOST) else {
            return Ok(());
        };
        let host = host.to_str().unwrap_or("?").to_ascii_lowercase();
        let name = without_port(&host);
        let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let ours = address.is_ok()
            || name == "localhost"
            || name.ends_with(".localhost")
            || self.hosts.iter().any(|own| own == name);
        if ours {
            return Ok(());
        }
        Err(Problem::misdirected(format!(
            "this node does not know itself as `{name}`; use its IP address or localhost, or add the name to \
             `http.hosts` in node.toml"
        )))
    }
}

/// A page of another site can make a browser send requests, but not lie about where it comes from.
fn is_own_page(headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?").to_owned());
    let foreign = || Problem::forbidden("pages of other sites may not change anything here");
    if let Some(site) = text(HeaderName::from_static("sec-fetch-site"))
        && site != "same-origin"
        && site != "none"
    {
        return Err(foreign());
    }
    if let Some(origin) = text(header::ORIGIN) {
        let host = text(header::HOST).unwrap_or_default();
        let named = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        if !named.is_some_and(|name| name.eq_ignore_ascii_case(&host)) {
            return Err(foreign());
        }
    }
    Ok(())
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        Some(_) | None => host,
    }
}

fn is_loopback(peer: Option<SocketAddr>) -> bool {
    peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback())
}

fn is_local(peer: Option<SocketAddr>, headers: &HeaderMap) -> bool {
    is_loopback(peer) && !PROXY_HEADERS.iter().any(|name| headers.contains_key(*name))
}

/// Inner middleware: refuses foreign host names, and makes a problem document of every error.
pub(crate) async fn watch(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let known = request.app_data::<web::Data<Shared>>().cloned();
    let own = known.map_or(Ok(()), |shared| shared.guard.is_own_name(request.peer_addr(), request.headers()));
    if let Err(problem) = own {
        let answer = problem.answer(request.path());
        return Ok(request.into_response(answer));
    }
    let response = next.call(request).await?.map_into_boxed_body();
    let status = response.status();
    let is_problem = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == PROBLEM_JSON);
    let told = response.response().error().and_then(|error| error.as_error::<Problem>()).cloned();
    let problem = match told {
        Some(problem) => problem,
        // bodies of our own, such as /readyz with 503, stay as they are
        None if status.as_u16() < 400
            || is_problem
            || response.headers().contains_key(header::CONTENT_TYPE) =>
        {
            return Ok(response);
        }
        None => Problem::of_status(status),
    };
    let answer = problem.answer(response.request().path());
    Ok(response.into_response(answer))
}

/// Outer middleware: gzip or nothing on the way in, the headers of every answer on the way out.
pub(crate) async fn seal(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let gzip = request.headers().get_all(header::ACCEPT_ENCODING).any(accepts_gzip);
    if gzip {
        request.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    } else {
        request.headers_mut().remove(header::ACCEPT_ENCODING);
    }
    let shared_picture = request.path().starts_with(BADGES);
    let mut response = next.call(request).await?;
    let headers = response.headers_mut();
    if headers.get(header::CONTENT_ENCODING).is_some_and(|value| value == "identity") {
        headers.remove(header::CONTENT_ENCODING);
    }
    let mut set =
        |name: HeaderName, value: &'static str| headers.insert(name, HeaderValue::from_static(value));
    set(header::CONTENT_SECURITY_POLICY, POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::REFERRER_POLICY, "no-referrer");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    let from = if shared_picture { "cross-origin" } else { "same-origin" };
    set(HeaderName::from_static("cross-origin-resource-policy"), from);
    set(HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()");
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    Ok(response)
}

fn accepts_gzip(value: &HeaderValue) -> bool {
    let text = value.to_str().unwrap_or("").to_ascii_lowercase();
    text.split(',').any(|one| {
        let (coding, weight) = one.split_once(';').unwrap_or((one, ""));
        let refused = weight.trim().strip_prefix("q=").and_then(|q| q.parse().ok()) == Some(0.0_f32);
        matches!(coding.trim(), "gzip" | "*") && !refused
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;
    use p7_settings::Secret;
    use std::path::Path;

    const HERE: &str = "127.0.0.1:5000";
    const ELSEWHERE: &str = "192.0.2.7:5000";

    fn guard(token: Option<&str>) -> Guard {
        let token = token.map(|text| {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), text).unwrap();
            Secret::File(file.path().to_owned()).resolve(Path::new("/")).unwrap()
        });
        Guard { token, hosts: Vec::new() }
    }

    fn asked(guard: &Guard, peer: &str, headers: &[(&'static str, &'static str)]) -> Result<(), u16> {
        let mut request = TestRequest::post().peer_addr(peer.parse().unwrap());
        for header in headers {
            request = request.insert_header(*header);
        }
        guard.may_change(&request.to_http_request()).map_err(|problem| {
            use actix_web::ResponseError as _;
            problem.status_code().as_u16()
        })
    }

    #[test]
    fn from_elsewhere_only_the_token_counts() {
        let (open, closed) = (guard(None), guard(Some("secret-secret-secret")));
        let right = ("authorization", "Bearer secret-secret-secret");
        let wrong = ("authorization", "Bearer secret-secret-secreT");
        for (guard, peer, headers, expected) in [
            (&open, HERE, vec![], Ok(())),
            (&open, "[::1]:5000", vec![], Ok(())),
            (&open, "[::ffff:127.0.0.1]:5000", vec![], Ok(())),
            (&open, "127.9.9.9:5000", vec![], Ok(())),
            (&open, ELSEWHERE, vec![], Err(403)),
            (&open, ELSEWHERE, vec![right], Err(401)),
            (&open, HERE, vec![("x-forwarded-for", "127.0.0.1")], Err(403)),
            (&open, HERE, vec![("x-real-ip", "127.0.0.1")], Err(403)),
            (&closed, HERE, vec![], Ok(())),
            (&closed, ELSEWHERE, vec![], Err(401)),
            (&closed, ELSEWHERE, vec![right], Ok(())),
            (&closed, ELSEWHERE, vec![wrong], Err(401)),
            (&closed, HERE, vec![wrong], Err(401)),
            (&closed, HERE, vec![("via", "1.1 x"), right], Ok(())),
            (&closed, ELSEWHERE, vec![right, ("sec-fetch-site", "cross-site")], Err(403)),
        ] {
            assert_eq!(asked(guard, peer, &headers), expected, "{peer} {headers:?}");
        }
    }

    #[test]
    fn a_name_is_asked_for_only_from_this_machine() {
        let guard = guard(None);
        let named = |peer: &str, host: &'static str| {
            let request = TestRequest::get().insert_header(("host", host)).to_http_request();
            guard.is_own_name(peer.parse().ok(), request.headers()).is_ok()
        };
        assert!(named(ELSEWHERE, "p7.office"));
        assert!(!named(HERE, "p7.office"));
        assert!(named(HERE, "[::1]:7007"));
        assert!(named(HERE, "p7.localhost"));
    }
}

//! Following redirects: where to, with which method, and where not.

use super::link::Heard;
use super::{Ask, config};
use crate::trouble::Trouble;
use crate::words::clipped;
use hyper::body::Bytes;
use hyper::header::LOCATION;
use hyper::{Method, StatusCode};
use url::{Position, Url};

/// The request an answer asks for next; none when it is to be judged itself: no redirect, one without an
/// address, or redirects are off.
pub(super) fn next(ask: &Ask, heard: &Heard, max_redirects: u8) -> Result<Option<Ask>, Trouble> {
    let keeps_method = match heard.code {
        StatusCode::PERMANENT_REDIRECT | StatusCode::TEMPORARY_REDIRECT => true,
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND | StatusCode::SEE_OTHER => false,
        _ => return Ok(None),
    };
    let Some(location) = heard.headers.get(LOCATION).filter(|_| max_redirects > 0) else {
        return Ok(None);
    };
    let location = String::from_utf8_lossy(location.as_bytes());
    let url = follow(&ask.url, &location)?;
    // as browsers do: after a form was sent, the page it leads to is fetched
    let becomes_get = match heard.code {
        StatusCode::SEE_OTHER => ask.method != Method::HEAD,
        _ => ask.method == Method::POST,
    };
    let mut next = Ask { url, ..ask.clone() };
    if !keeps_method && becomes_get {
        next.method = Method::GET;
        next.body = Bytes::new();
    }
    Ok(Some(next))
}

fn follow(from: &Url, location: &str) -> Result<Url, Trouble> {
    let Ok(mut url) = from.join(location) else {
        let shown = clipped(location);
        return Err(Trouble::peer(format!("redirected to `{shown}`, which is no address")));
    };
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() || url.port() == Some(0) {
        let shown = clipped(&config::redacted(&url));
        return Err(Trouble::peer(format!("redirected to `{shown}`, which is not HTTP")));
    }
    // credentials in an address are the other side's words, not ours to send
    if url.set_username("").and(url.set_password(None)).is_err() {
        return Err(Trouble::peer("redirected to an address without a host"));
    }
    if url.fragment().is_none() {
        url.set_fragment(from.fragment());
    }
    Ok(url)
}

/// `host` or `host:port`, as a Host header says it.
pub(super) fn authority(url: &Url) -> String {
    url[Position::BeforeHost..Position::AfterPort].to_owned()
}

/// What is asked of the host.
pub(super) fn path_and_query(url: &Url) -> &str {
    &url[Position::BeforePath..Position::AfterQuery]
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::{HeaderMap, HeaderValue};

    fn redirected(method: &Method, code: u16, location: &str) -> Result<Option<(String, String)>, String> {
        let ask = Ask {
            url: Url::parse("https://shop.example/a/b?c=d").unwrap(),
            method: method.clone(),
            body: Bytes::from_static(b"form"),
        };
        let mut headers = HeaderMap::new();
        headers.insert(LOCATION, HeaderValue::from_str(location).unwrap());
        let heard =
            Heard { code: StatusCode::from_u16(code).unwrap(), headers, body: Vec::new(), whole: true };
        let next = next(&ask, &heard, 10).map_err(|trouble| trouble.reason)?;
        Ok(next.map(|next| (next.method.to_string(), next.url.to_string())))
    }

    #[test]
    fn a_redirect_is_followed_with_the_method_browsers_use() {
        let to = |method: &Method, code| redirected(method, code, "/x").unwrap().map(|(method, _)| method);
        assert_eq!(to(&Method::POST, 302).as_deref(), Some("GET"));
        assert_eq!(to(&Method::POST, 303).as_deref(), Some("GET"));
        assert_eq!(to(&Method::POST, 307).as_deref(), Some("POST"));
        assert_eq!(to(&Method::PUT, 301).as_deref(), Some("PUT"));
        assert_eq!(to(&Method::PUT, 303).as_deref(), Some("GET"));
        assert_eq!(to(&Method::HEAD, 303).as_deref(), Some("HEAD"));
        assert_eq!(to(&Method::GET, 304), None);
        assert_eq!(to(&Method::GET, 200), None);
    }

    #[test]
    fn a_redirect_may_be_relative_but_must_stay_http() {
        let to = |location| redirected(&Method::GET, 302, location).map(|next| next.unwrap().1);
        assert_eq!(to("/x").unwrap(), "https://shop.example/x");
        assert_eq!(to("//other.example:81/x").unwrap(), "https://other.example:81/x");
        assert_eq!(to("http://u:p@other.example/").unwrap(), "http://other.example/");
        assert_eq!(
            to("file:///etc/passwd").unwrap_err(),
            "redirected to `file:///etc/passwd`, which is not HTTP"
        );
        assert!(to("http://[").unwrap_err().contains("is no address"));
    }
}

//! The `tcp` probe: connects, with or without TLS, says a few words and listens for others.

use crate::attempt::{Attempt, Judgement, Progress, Stage, within};
use crate::kinds::Unready;
use crate::net::connect::open;
use crate::net::resolve::{Ip, Place, check_place};
use crate::net::tls::{Offer, Secure, Tls};
use crate::net::verify::{in_words, tls_error};
use crate::net::wire::Wire;
use crate::trouble::Trouble;
use crate::words::Pattern;
use p7_core::vocabulary::{MeshTime, Outcome};
use p7_settings::{Check, Faults, Period};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

/// How much of an answer is read while looking for the text, in bytes: greetings are short.
const ANSWER_LIMIT: usize = 64 * 1024;
/// Largest text that is sent, in bytes.
const SEND_LIMIT: usize = 64 * 1024;

/// `[services.ID.tcp]`: connects to a port.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where to connect: `host:port`, with brackets around an IPv6 address. Required.
    pub address: String,
    /// What is sent once connected, such as `"PING\r\n"`. Default nothing.
    #[serde(default)]
    pub send: Option<String>,
    /// What must then come: a text in any case, or `regex:` and an expression. Default nothing, and being
    /// connected is enough. Without it a port that accepts and then fails counts as up.
    #[serde(default)]
    pub expect: Option<String>,
    /// Speaks TLS, when this table is there; `tls = {}` is enough. Default plain.
    #[serde(default)]
    pub tls: Option<Tls>,
    /// Failed when the first certificate of the chain expires sooner, such as `"7d"`. Needs `tls`.
    /// Default none: failed once it has expired.
    #[serde(default)]
    pub min_certificate_validity: Option<Period>,
    /// Which addresses of the name are used: `any`, `ipv4`, `ipv6`, `prefer_ipv4`, `prefer_ipv6`.
    /// Default `any`.
    #[serde(default)]
    pub ip: Ip,
}

impl Config {
    pub(super) fn target(&self) -> String {
        self.address.clone()
    }

    pub(super) fn from_url(url: &str) -> Option<Self> {
        let (scheme, address) = url.split_once("://")?;
        let tls = match scheme {
            "tcp" => None,
            "tls" => Some(Tls::default()),
            _ => return None,
        };
        Some(Self {
            address: address.trim_end_matches('/').to_owned(),
            send: None,
            expect: None,
            tls,
            min_certificate_validity: None,
            ip: Ip::Any,
        })
    }

    pub(super) fn prepare(&self, base: &Path) -> Result<Ready, Unready> {
        let secure = match &self.tls {
            Some(tls) => {
                let secure = Secure::new(tls, Offer::Nothing, base)?;
                secure.config()?;
                Some(secure)
            }
            None => None,
        };
        let expect = match &self.expect {
            Some(text) => Some(Pattern::new(text).map_err(|why| Unready::new("expect", why))?),
            None => None,
        };
        Ok(Ready {
            place: Place::parse(&self.address).map_err(|why| Unready::new("address", why))?,
            send: self.send.clone(),
            expect,
            secure,
            min_certificate_validity: self.min_certificate_validity.map(|p| p.0),
            ip: self.ip,
        })
    }
}

impl Check for Config {
    fn check(&self, faults: &mut Faults<'_>) {
        check_place("address", &self.address, faults);
        if self.send.as_ref().is_some_and(|s| s.len() > SEND_LIMIT) {
            faults.push("send", "at most 64 KiB can be sent");
        }
        if let Some(Err(wrong)) = self.expect.as_deref().map(Pattern::new) {
            faults.push("expect", wrong);
        }
        match &self.tls {
            Some(tls) => tls.check(&mut faults.under("tls")),
            None if self.min_certificate_validity.is_some() => {
                faults
                    .push("min_certificate_validity", "needs a `tls` table beside it; `tls = {}` is enough");
            }
            None => {}
        }
    }
}

/// The settings with files and patterns at hand.
#[derive(Debug)]
pub struct Ready {
    place: Place,
    send: Option<String>,
    expect: Option<Pattern>,
    secure: Option<Secure>,
    min_certificate_validity: Option<Duration>,
    ip: Ip,
}

impl Ready {
    pub(super) fn is_local(&self) -> bool {
        self.place.is_local()
    }

    pub(super) async fn attempt(&self, timeout: Duration) -> Attempt {
        let heard = &mut Vec::new();
        let mut attempt = within(timeout, async |progress| self.run(progress, heard).await).await;
        // words came until time ran out, but not the ones that were asked for
        if let (Some(expect), Outcome::Failed, false) = (&self.expect, attempt.outcome, heard.is_empty())
            && attempt.origin == crate::trouble::Origin::Silence
        {
            attempt.outcome = Outcome::Mismatch;
            attempt.origin = crate::trouble::Origin::Peer;
            attempt.reason = Some(format!("{} did not come in time", expect.shown()));
        }
        attempt
    }

    async fn run(&self, progress: &mut Progress, heard: &mut Vec<u8>) -> Result<Judgement, Trouble> {
        let stream = open(&self.place, self.ip, progress).await?;
        let mut wire = match &self.secure {
            Some(secure) => secure.handshake(stream, &self.place.host, progress).await?,
            None => Wire::Plain(stream),
        };
        if let Some(wanted) = self.min_certificate_validity
            && let Some(short) = too_short(progress.certificate_expiry, wanted, crate::clock::wall())
        {
            return Ok((Outcome::Failed, Some(short)));
        }
        self.talk(&mut wire, progress, heard).await
    }

    async fn talk(
        &self,
        wire: &mut Wire,
        progress: &mut Progress,
        heard: &mut Vec<u8>,
    ) -> Result<Judgement, Trouble> {
        let peer = progress.peer();
        progress.stage = Stage::Answer;
        let sent = Instant::now();
        if let Some(send) = &self.send {
            let said = wire.write_all(send.as_bytes()).await;
            let said = if said.is_ok() { wire.flush().await } else { said };
            said.map_err(|e| broken(&e, &peer, "while it was spoken to"))?;
        }
        let Some(expect) = &self.expect else {
            return Ok((Outcome::Up, None));
        };
        let mut chunk = [0; 4096];
        let mut first = None;
        while heard.len() < ANSWER_LIMIT {
            let read = wire.read(&mut chunk).await;
            let read = read.map_err(|e| broken(&e, &peer, "before it had answered"))?;
            if read == 0 {
                break;
            }
            let first = *first.get_or_insert_with(|| {
                progress.spans.processing = sent.elapsed();
                Instant::now()
            });
            heard.extend_from_slice(chunk.get(..read).unwrap_or(&[]));
            progress.detail.body_bytes = heard.len() as u64;
            progress.spans.transfer = first.elapsed();
            if expect.is_within(&String::from_utf8_lossy(heard)) {
                return Ok((Outcome::Up, None));
            }
        }
        if heard.is_empty() {
            return Err(Trouble::peer(format!("{peer} closed the connection without an answer")));
        }
        let missing = format!("{} is missing from the answer", expect.shown());
        Ok((Outcome::Mismatch, Some(missing)))
    }
}

fn broken(error: &io::Error, peer: &str, during: &str) -> Trouble {
    match tls_error(error) {
        Some(error) => Trouble::peer(in_words(error, peer)),
        None => Trouble::of_stream(error, peer, during),
    }
}

/// Why a certificate is not valid for long enough, if it is not.
pub(crate) fn too_short(expiry: Option<MeshTime>, wanted: Duration, now: MeshTime) -> Option<String> {
    let expiry = expiry?;
    let left = Duration::from_millis(expiry.since(now).0);
    if left >= wanted {
        return None;
    }
    Some(if left.is_zero() {
        let ago = Duration::from_millis(now.since(expiry).0);
        format!("certificate expired {} ago", crate::words::roughly(ago))
    } else {
        format!(
            "certificate expires in {}, less than the {} asked for",
            crate::words::roughly(left),
            crate::words::roughly(wanted)
        )
    })
}

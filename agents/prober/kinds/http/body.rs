//! The body of an answer: read to its limit, and unpacked to no more than that.

use super::link::Heard;
use crate::attempt::Progress;
use crate::words;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::header::CONTENT_ENCODING;
use std::borrow::Cow;
use std::io::Read;

/// How much of a body is read and what for.
#[derive(Debug)]
pub(super) struct Limit {
    bytes: u64,
    purpose: Purpose,
}

/// What a body is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// To see it arrive; nothing of it is kept.
    Arrival,
    /// To look for something in it.
    Content,
}

impl Limit {
    pub(super) fn new(bytes: u64, is_looked_at: bool) -> Self {
        let purpose = if is_looked_at { Purpose::Content } else { Purpose::Arrival };
        Self { bytes, purpose }
    }
}

/// Reads a body as far as its limit. Returns what is kept of it and whether it ended before.
pub(super) async fn read(
    mut body: Incoming,
    limit: &Limit,
    progress: &mut Progress,
) -> hyper::Result<(Vec<u8>, bool)> {
    let mut kept = Vec::new();
    let mut left = limit.bytes;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        let taken = left.min(data.len() as u64);
        left -= taken;
        progress.detail.body_bytes += taken;
        if limit.purpose == Purpose::Content {
            let part = usize::try_from(taken).ok().and_then(|taken| data.get(..taken));
            kept.extend_from_slice(part.unwrap_or(&data));
        }
        if taken < data.len() as u64 || (left == 0 && !body.is_end_stream()) {
            progress.detail.body_cut = true;
            return Ok((kept, false));
        }
    }
    Ok((kept, true))
}

/// The body without its packing, though no packing was asked for; and why it is not whole, if it is not.
pub(super) fn decoded<'a>(heard: &'a Heard, limit: &Limit) -> (Cow<'a, [u8]>, Option<String>) {
    let size = words::size(limit.bytes);
    let cut = || Some(format!("only the first {size} were read"));
    let plain = (Cow::Borrowed(heard.body.as_slice()), if heard.whole { None } else { cut() });
    if limit.purpose == Purpose::Arrival {
        return plain;
    }
    let packing = heard.headers.get(CONTENT_ENCODING).and_then(|value| value.to_str().ok());
    let packing = packing.map(|packing| packing.trim().to_ascii_lowercase());
    let packed = heard.body.as_slice();
    let unpacked = match packing.as_deref() {
        None | Some("" | "identity") => return plain,
        Some("gzip" | "x-gzip") => unpack(MultiGzDecoder::new(packed), limit),
        // the standard means zlib, some servers send bare deflate
        Some("deflate") => match unpack(ZlibDecoder::new(packed), limit) {
            Unpacked { bytes, broken: true, .. } if bytes.is_empty() => {
                unpack(DeflateDecoder::new(packed), limit)
            }
            unpacked => unpacked,
        },
        Some(other) => {
            let note = format!("it is packed as `{}`, which was not asked for", words::clipped(other));
            return (plain.0, Some(note));
        }
    };
    let note = if unpacked.full || !heard.whole {
        cut()
    } else if unpacked.broken {
        Some("its packing is broken".to_owned())
    } else {
        None
    };
    (Cow::Owned(unpacked.bytes), note)
}

struct Unpacked {
    bytes: Vec<u8>,
    broken: bool,
    full: bool,
}

fn unpack(from: impl Read, limit: &Limit) -> Unpacked {
    let mut bytes = Vec::new();
    let broken = from.take(limit.bytes + 1).read_to_end(&mut bytes).is_err();
    let full = bytes.len() as u64 > limit.bytes;
    bytes.truncate(usize::try_from(limit.bytes).unwrap_or(usize::MAX));
    Unpacked { bytes, broken, full }
}

//! The list of what a node has, on the wire: authors once, then their sequences.

use super::batch::CHAPTERS;
use super::{FrameError, HAVE_LIMIT, SPANS_LIMIT, SealError, bytes};
use crate::peer;
use p7_core::mesh::words::{Boot, Have, Sequence};
use p7_core::vocabulary::NodeId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Serialize, Deserialize)]
pub(super) struct HavesV1<B> {
    authors: Vec<B>,
    sequences: Vec<HaveV1>,
}

#[derive(Serialize, Deserialize)]
struct HaveV1 {
    /// Its place among the authors.
    author: u32,
    boot: u32,
    chapter: u8,
    floor: u64,
    upto: u64,
    above: Vec<(u64, u64)>,
}

/// The list as it goes over the wire, in at most `limit` bytes. What does not fit is left out: it is
/// then given although it is had already, which does no harm.
pub(super) fn write(have: &[Have], limit: usize) -> Result<Vec<u8>, SealError> {
    let mut most = have.len().min(HAVE_LIMIT);
    loop {
        let list = haves_v1(have.get(..most).unwrap_or(have))?;
        let encoded = bytes::encode(&list)?;
        if encoded.len() <= limit || most == 0 {
            return Ok(encoded);
        }
        most /= 2;
    }
}

fn haves_v1(have: &[Have]) -> Result<HavesV1<Vec<u8>>, SealError> {
    let mut places: BTreeMap<&NodeId, u32> = BTreeMap::new();
    let mut list = HavesV1 { authors: Vec::new(), sequences: Vec::with_capacity(have.len()) };
    for one in have {
        let author = &one.sequence.author;
        let next = u32::try_from(places.len()).unwrap_or(u32::MAX);
        let place = *places.entry(author).or_insert(next);
        if place == next {
            list.authors.push(peer::to_bytes(author).ok_or_else(|| SealError::NoPeer(author.to_string()))?);
        }
        list.sequences.push(HaveV1 {
            author: place,
            boot: one.sequence.boot.0,
            chapter: bytes::code(&CHAPTERS, &one.sequence.chapter),
            floor: one.floor,
            upto: one.upto,
            above: one.above.iter().copied().take(SPANS_LIMIT).collect(),
        });
    }
    Ok(list)
}

/// The list that was written; chapters that a newer release has added are not in it.
pub(super) fn read(body: &[u8]) -> Result<Vec<Have>, FrameError> {
    let list: HavesV1<&[u8]> = bytes::decode(body, "a list of what a node has")?;
    if list.sequences.len() > HAVE_LIMIT || list.authors.len() > HAVE_LIMIT {
        return Err(FrameError::Shape("the length of a list of what a node has"));
    }
    let author = |bytes: &&[u8]| peer::from_bytes(bytes).ok_or(FrameError::Shape("a node's id"));
    let authors: Vec<NodeId> = list.authors.iter().map(author).collect::<Result<_, _>>()?;
    let known = list.sequences.into_iter().filter_map(|one| read_one(one, &authors).transpose());
    known.collect()
}

fn read_one(one: HaveV1, authors: &[NodeId]) -> Result<Option<Have>, FrameError> {
    let place = usize::try_from(one.author).ok();
    let author = place.and_then(|place| authors.get(place)).ok_or(FrameError::Shape("an author's place"))?;
    if one.above.len() > SPANS_LIMIT || !in_order(one.upto, &one.above) {
        return Err(FrameError::Shape("spans"));
    }
    let Some(chapter) = bytes::coded(&CHAPTERS, one.chapter) else { return Ok(None) };
    let sequence = Sequence { author: author.clone(), boot: Boot(one.boot), chapter };
    Ok(Some(Have { sequence, floor: one.floor, upto: one.upto, above: one.above }))
}

/// Whether the spans lie above `upto`, each above the one before.
fn in_order(upto: u64, above: &[(u64, u64)]) -> bool {
    let mut last = upto;
    above.iter().all(|(from, to)| {
        let fits = *from > last && to >= from;
        last = *to;
        fits
    })
}

//! Questions for the figures of the past and their answers, since wire version 3. Figures are the
//! answerer's word alone: nobody has signed them.

use super::questions::framed;
use super::{ASK_LIMIT, FrameError, Kind, SealError, bytes};
use crate::peer;
use p7_core::mesh::words::{FiguresOf, RollupCursor};
use p7_core::rollup::{Resolution, RollupRow};
use p7_core::vocabulary::{MeshTime, NodeId, Outcome, ServiceId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most rows of a page.
pub const FIGURES_LIMIT: usize = 1_000;

#[derive(Serialize, Deserialize)]
struct FiguresV3<'a> {
    resolution: u8,
    from: u64,
    to: u64,
    after: Option<&'a [u8]>,
}

#[derive(Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'a, B: Deserialize<'de>"))]
struct FiguredV3<'a, B> {
    resolution: u8,
    services: Vec<&'a str>,
    nodes: Vec<B>,
    rows: Vec<RowV3<'a>>,
    more: Option<&'a [u8]>,
}

#[derive(Serialize, Deserialize)]
struct RowV3<'a> {
    /// Places in the lists.
    service: u32,
    node: u32,
    start: u64,
    /// A newer release may have added outcomes at the end.
    counts: Vec<u32>,
    sketch: &'a [u8],
}

/// A page of figures.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Figured {
    /// The rows.
    pub rows: Vec<RollupRow>,
    /// Where the next page begins; none after the last.
    pub more: Option<RollupCursor>,
    /// How many rows count an outcome that a newer release has added.
    pub skipped: u32,
}

/// A question for figures.
pub fn ask_figures(of: &FiguresOf, wire: u8) -> Result<Vec<u8>, SealError> {
    let resolution = bytes::code(&Resolution::ALL, &of.resolution);
    let after = of.after.as_ref().map(|cursor| cursor.0.as_slice());
    framed(Kind::Figures, wire, &FiguresV3 { resolution, from: of.from.0, to: of.to.0, after })
}

pub(super) fn read_question(body: &[u8]) -> Result<FiguresOf, FrameError> {
    let read: FiguresV3<'_> = bytes::decode(body, "a question for figures")?;
    Ok(FiguresOf {
        resolution: resolution(read.resolution)?,
        from: MeshTime(read.from),
        to: MeshTime(read.to),
        after: cursor(read.after)?,
    })
}

/// A page of figures, all of this resolution. Rows of vantage points whose ids are no keys are left out.
///
/// # Errors
/// [`SealError::TooLarge`] when they don't fit: give fewer.
pub fn answer_figures(
    resolution: Resolution,
    rows: &[RollupRow],
    more: Option<&RollupCursor>,
    wire: u8,
) -> Result<Vec<u8>, SealError> {
    let (mut services, mut nodes) = (Places::default(), Places::default());
    let written = rows.iter().filter(|row| row.resolution == resolution).filter_map(|row| {
        peer::to_bytes(&row.node)?;
        Some(RowV3 {
            service: services.place(row.service.as_str()),
            node: nodes.place(row.node.as_str()),
            start: row.start.0,
            counts: row.counts.to_vec(),
            sketch: &row.sketch,
        })
    });
    let rows: Vec<RowV3<'_>> = written.collect();
    let ids = nodes.list.iter().filter_map(|id| peer::to_bytes(&NodeId::new(id).ok()?));
    let page = FiguredV3 {
        resolution: bytes::code(&Resolution::ALL, &resolution),
        services: services.list,
        nodes: ids.collect::<Vec<Vec<u8>>>(),
        rows,
        more: more.map(|cursor| cursor.0.as_slice()),
    };
    let frame = framed(Kind::Figured, wire, &page)?;
    if frame.len() > ASK_LIMIT {
        return Err(SealError::TooLarge { what: "a page of figures", bytes: frame.len(), limit: ASK_LIMIT });
    }
    Ok(frame)
}

pub(super) fn read_answer(body: &[u8]) -> Result<Figured, FrameError> {
    let read: FiguredV3<'_, &[u8]> = bytes::decode(body, "a page of figures")?;
    if read.rows.len() > FIGURES_LIMIT {
        return Err(FrameError::Shape("the length of a page of figures"));
    }
    let resolution = resolution(read.resolution)?;
    let bad_service = |_bad| FrameError::Shape("a service's id");
    let services = read
        .services
        .iter()
        .map(|text| ServiceId::new(text))
        .collect::<Result<Vec<_>, _>>()
        .map_err(bad_service)?;
    let node = |bytes: &&[u8]| peer::from_bytes(bytes).ok_or(FrameError::Shape("a node's id"));
    let nodes = read.nodes.iter().map(node).collect::<Result<Vec<_>, _>>()?;
    let mut page = Figured { more: cursor(read.more)?, ..Figured::default() };
    for row in read.rows {
        let service = at(&services, row.service).ok_or(FrameError::Shape("a service's place"))?;
        let node = at(&nodes, row.node).ok_or(FrameError::Shape("a node's place"))?;
        let Some(counts) = counts(&row.counts) else {
            page.skipped += 1;
            continue;
        };
        let (service, node, start) = (service.clone(), node.clone(), MeshTime(row.start));
        page.rows.push(RollupRow { service, node, start, resolution, counts, sketch: row.sketch.to_vec() });
    }
    Ok(page)
}

/// Texts by the place at which they first came.
#[derive(Default)]
struct Places<'a> {
    places: BTreeMap<&'a str, u32>,
    list: Vec<&'a str>,
}

impl<'a> Places<'a> {
    fn place(&mut self, text: &'a str) -> u32 {
        let next = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        *self.places.entry(text).or_insert_with(|| {
            self.list.push(text);
            next
        })
    }
}

fn at<T>(list: &[T], place: u32) -> Option<&T> {
    list.get(usize::try_from(place).ok()?)
}

fn resolution(code: u8) -> Result<Resolution, FrameError> {
    bytes::coded(&Resolution::ALL, code).ok_or(FrameError::Shape("a resolution"))
}

fn cursor(bytes: Option<&[u8]>) -> Result<Option<RollupCursor>, FrameError> {
    match bytes {
        Some(bytes) if bytes.len() > RollupCursor::LIMIT => Err(FrameError::Shape("a cursor")),
        Some(bytes) => Ok(Some(RollupCursor(bytes.to_vec()))),
        None => Ok(None),
    }
}

/// Counts by outcome; none when outcomes are counted that this program does not know.
fn counts(read: &[u32]) -> Option<[u32; Outcome::ALL.len()]> {
    let mut counts = [0; Outcome::ALL.len()];
    let (known, unknown) = read.split_at_checked(counts.len()).unwrap_or((read, &[]));
    for (count, read) in counts.iter_mut().zip(known) {
        *count = *read;
    }
    unknown.iter().all(|count| *count == 0).then_some(counts)
}

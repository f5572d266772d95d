//! Batches of facts on the wire: results in their own compact form, statements one by one, so that one
//! of a kind that a newer release has added can be skipped.

use super::facts::{self, StatementV1};
use super::long::LongV1;
use super::sealed::{self, Open, seal};
use super::{BATCH_LIMIT, CONFIGURATION_BATCH_LIMIT, FrameError, Kind, SealError, bytes, results};
use crate::mesh_id::MeshId;
use libp2p::identity::Keypair;
use p7_core::mesh::words::{Batch, Boot, Chapter, Fact, Sequence};
use p7_core::result::ProbeResult;
use p7_core::vocabulary::{MeshTime, NodeId};
use serde::{Deserialize, Serialize};

/// Longest table of services, in bytes, inflated: as many ids of the longest kind as there is room for
/// in a batch of plain results.
const SERVICES_LIMIT: usize = 128 * 1024;

pub(super) const CHAPTERS: [Chapter; 2] = [Chapter::Results, Chapter::Statements];

#[derive(Serialize, Deserialize)]
#[serde(bound(deserialize = "B: Deserialize<'de>"))]
struct BatchV1<B> {
    boot: u32,
    chapter: u8,
    number: u64,
    at: u64,
    /// The ids of the services that results are about, one a line.
    services: LongV1<B>,
    results: B,
    statements: Vec<StatementV1<B>>,
}

/// A batch, and what of it this program does not know.
#[derive(Debug, Clone, PartialEq)]
pub struct Opened {
    /// The batch, its results before its statements.
    pub batch: Batch,
    /// How many of its facts are of a kind that a newer release has added.
    pub skipped: u32,
}

/// Seals a batch of the key's node. Results go before statements; else the order stays.
pub fn seal_batch(batch: &Batch, keypair: &Keypair, mesh: &MeshId, wire: u8) -> Result<Vec<u8>, SealError> {
    let author = &batch.sequence.author;
    let tested: Vec<&ProbeResult> = batch.facts.iter().filter_map(result_of).collect();
    if let Some(foreign) = tested.iter().find(|result| result.node != *author) {
        return Err(SealError::NotOurs { what: "a result", node: foreign.node.to_string() });
    }
    let (services, results) = results::write(tested.into_iter(), batch.at)?;
    if services.text().len() > SERVICES_LIMIT {
        let (bytes, limit) = (services.text().len(), SERVICES_LIMIT);
        return Err(SealError::TooLarge { what: "a table of services", bytes, limit });
    }
    let services = LongV1::of(services.text())?;
    let statements = batch.facts.iter().filter_map(|fact| facts::write(fact, author).transpose());
    let body = bytes::encode(&BatchV1 {
        boot: batch.sequence.boot.0,
        chapter: bytes::code(&CHAPTERS, &batch.sequence.chapter),
        number: batch.number,
        at: batch.at.0,
        services,
        results,
        statements: statements.collect::<Result<_, _>>()?,
    })?;
    let limit = limit(&batch.facts);
    if body.len() > limit {
        return Err(SealError::TooLarge { what: "a batch", bytes: body.len(), limit });
    }
    seal(Kind::Batch, wire, (author, &body), keypair, mesh)
}

/// Opens a batch that was kept as it was sealed.
pub fn open_batch(frame: &[u8], mesh: &MeshId) -> Result<Opened, FrameError> {
    let open = sealed::open(frame, mesh)?;
    if open.kind == Kind::Batch { read(&open, frame) } else { Err(FrameError::Kind(open.kind as u8)) }
}

pub(super) fn read(open: &Open<'_>, frame: &[u8]) -> Result<Opened, FrameError> {
    if open.body.len() > CONFIGURATION_BATCH_LIMIT {
        return Err(too_large(open, CONFIGURATION_BATCH_LIMIT));
    }
    let read: BatchV1<&[u8]> = bytes::decode(open.body, "a batch")?;
    // a large body is looked at only if it may hold what makes one large
    if open.body.len() > BATCH_LIMIT && (!read.results.is_empty() || read.statements.len() != 1) {
        return Err(too_large(open, BATCH_LIMIT));
    }
    let at = MeshTime(read.at);
    let services = read.services.text(SERVICES_LIMIT)?;
    let (tested, mut skipped) = results::read(read.results, &services, at, &open.author)?;
    let mut facts: Vec<Fact> = tested.into_iter().map(Fact::Result).collect();
    for statement in &read.statements {
        match facts::read(statement, &open.author)? {
            Some(fact) => facts.push(fact),
            None => skipped += 1,
        }
    }
    if open.body.len() > limit(&facts) && skipped == 0 {
        return Err(too_large(open, BATCH_LIMIT));
    }
    let chapter = bytes::coded(&CHAPTERS, read.chapter).ok_or(FrameError::Shape("a chapter"))?;
    let sequence = Sequence { author: open.author.clone(), boot: Boot(read.boot), chapter };
    let batch = Batch { sequence, number: read.number, at, facts, sealed: frame.into() };
    Ok(Opened { batch, skipped })
}

fn too_large(open: &Open<'_>, limit: usize) -> FrameError {
    FrameError::TooLarge { bytes: open.body.len(), limit }
}

/// How large the body of a batch of these facts may be.
fn limit(facts: &[Fact]) -> usize {
    if matches!(facts, [Fact::Configured(_)]) { CONFIGURATION_BATCH_LIMIT } else { BATCH_LIMIT }
}

fn result_of(fact: &Fact) -> Option<&ProbeResult> {
    match fact {
        Fact::Result(result) => Some(result),
        Fact::Acknowledged(_)
        | Fact::Held(_)
        | Fact::Deployed(_)
        | Fact::About(_)
        | Fact::Configured(_)
        | Fact::Noticed(_)
        | Fact::Devices(_)
        | Fact::MailRead(_) => None,
    }
}

/// The author that a batch's facts speak for.
pub(super) fn own(node: &NodeId, author: &NodeId, what: &'static str) -> Result<(), SealError> {
    if node == author { Ok(()) } else { Err(SealError::NotOurs { what, node: node.to_string() }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use p7_core::facts::{Deployment, DeploymentState};
    use p7_core::vocabulary::ServiceId;

    fn sealed(statements: Vec<StatementV1<Vec<u8>>>, results: Vec<u8>) -> Result<Opened, FrameError> {
        let keypair = Keypair::ed25519_from_bytes([3; 32]).unwrap();
        let author = crate::peer::node_of(&keypair.public().to_peer_id()).unwrap();
        let services = LongV1::of("shop").unwrap();
        let body = BatchV1 { boot: 1, chapter: 1, number: 1, at: 0, services, results, statements };
        let body = bytes::encode(&body).unwrap();
        let mesh = MeshId::of("office");
        open_batch(&seal(Kind::Batch, 1, (&author, &body), &keypair, &mesh).unwrap(), &mesh)
    }

    fn deployed() -> Fact {
        Fact::Deployed(Deployment {
            service: ServiceId::new("shop").unwrap(),
            name: "2.1".to_owned(),
            by: "ci".to_owned(),
            state: DeploymentState::Running,
            at: MeshTime(5),
            link: None,
        })
    }

    #[test]
    fn a_fact_of_a_kind_that_a_newer_release_adds_is_skipped_and_the_rest_is_kept() {
        let node = NodeId::new("any").unwrap();
        let known = || facts::write(&deployed(), &node).unwrap().unwrap();
        let unknown = StatementV1::unknown(99, b"whatever comes".to_vec());
        let opened = sealed(vec![known(), unknown, known()], Vec::new()).unwrap();
        assert_eq!(opened.skipped, 1);
        assert_eq!(opened.batch.facts, [deployed(), deployed()]);
    }

    #[test]
    fn a_result_with_an_outcome_that_a_newer_release_adds_is_skipped_too() {
        // the service's place, outcome 7, no phases, the cycle, the moment, the latency
        let opened = sealed(Vec::new(), vec![0, 7, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0]).unwrap();
        assert_eq!((opened.skipped, opened.batch.facts.len()), (1, 1));
    }

    #[test]
    fn a_broken_fact_of_a_known_kind_breaks_the_batch() {
        let broken = StatementV1::unknown(3, b"x".to_vec());
        assert_eq!(sealed(vec![broken], Vec::new()), Err(FrameError::Shape("a deployment")));
        assert_eq!(sealed(Vec::new(), vec![9, 4, 0, 0, 0, 0]), Err(FrameError::Shape("a service's place")));
        assert_eq!(sealed(Vec::new(), vec![0, 4, 0]), Err(FrameError::Shape("it ends early")));
    }
}

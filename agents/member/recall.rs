//! What is heard again of the log after a start.
//!
//! The last batches of each sequence whole, since what follows from them may not have been stored. Of those
//! before them what lives in the process alone: shared configurations, what nodes are, and results that
//! were held back because their cycle had not come.

use p7_core::mesh::words::{Batch, Chapter, Fact, Sequence};
use p7_core::vocabulary::{MeshTime, Millis};
use p7_mesh::frames;
use p7_mesh::mesh_id::MeshId;
use p7_store::LogRow;

/// How many batches of each sequence are looked at: a quarter of an hour of a node that states every
/// second, or a configuration behind some hundred notifications.
pub(crate) const READ: usize = 1_024;
/// How many of these are heard whole: what the rules' state may have lost in a crash, ten times over.
const WHOLE: usize = 64;
/// Results that were stated so long before a time are of no cycle after it.
const MARGIN: Millis = Millis::seconds(3_600);

/// What of these rows, each sequence's together and in its order, is to be heard again. Results count
/// from `since` on: those of earlier cycles were heard when this node was last there.
pub(crate) fn worth_hearing(rows: &[LogRow], mesh: &MeshId, since: MeshTime) -> Vec<Batch> {
    let mut heard = Vec::new();
    for rows in rows.chunk_by(|a, b| a.sequence == b.sequence) {
        let (earlier, last) = rows.split_at(rows.len().saturating_sub(WHOLE));
        let open = |row: &LogRow| Some(frames::open_batch(&row.sealed, mesh).ok()?.batch);
        for mut batch in
            earlier.iter().filter(|row| may_matter(&row.sequence, row.at, since)).filter_map(open)
        {
            batch.facts.retain(|fact| is_known_here_only(fact, since));
            if !batch.facts.is_empty() {
                heard.push(batch);
            }
        }
        heard.extend(last.iter().filter_map(open));
    }
    heard
}

/// Opening a batch costs a signature's check, so those that are too old are left closed.
fn may_matter(sequence: &Sequence, at: MeshTime, since: MeshTime) -> bool {
    match sequence.chapter {
        Chapter::Statements => true,
        Chapter::Results => at.plus(MARGIN) >= since,
    }
}

/// Whether nothing but the process knew what follows from a fact.
fn is_known_here_only(fact: &Fact, since: MeshTime) -> bool {
    match fact {
        Fact::Configured(_) | Fact::About(_) | Fact::Devices(_) | Fact::MailRead(_) => true,
        Fact::Result(result) => result.cycle.start() >= since,
        Fact::Acknowledged(_) | Fact::Held(_) | Fact::Deployed(_) | Fact::Noticed(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shelf::Shelf;
    use p7_core::facts::{Deployment, DeploymentState};
    use p7_core::mesh::shared::stamp_for;
    use p7_core::mesh::words::{Boot, Configuration, Stamp};
    use p7_core::result::{Phases, ProbeResult};
    use p7_core::vocabulary::{Cycle, Micros, NodeId, Outcome, ServiceId};
    use p7_mesh::Keypair;
    use p7_store::{Config, Store};
    use std::sync::Arc;

    const NOW: u64 = 1_800_000_000_000;

    fn result(node: &NodeId, cycle: u64) -> Fact {
        Fact::Result(Arc::new(ProbeResult {
            service: ServiceId::new("shop").unwrap(),
            cycle: Cycle::starting(MeshTime(cycle)),
            node: node.clone(),
            at: MeshTime(cycle + 10),
            outcome: Outcome::Failed,
            latency: Micros(1_000),
            phases: Phases::default(),
            attempts: 1,
            reason: None,
            status_code: None,
            certificate_expiry: None,
        }))
    }

    fn configuration(text: &str) -> Fact {
        let stamp = stamp_for(text, Stamp::default());
        let (by, at) = ("ada".to_owned(), MeshTime(NOW));
        Fact::Configured(Arc::new(Configuration { stamp, by, at, text: text.into() }))
    }

    fn deployed() -> Fact {
        Fact::Deployed(Deployment {
            service: ServiceId::new("shop").unwrap(),
            name: "7.1".to_owned(),
            by: "ci".to_owned(),
            state: DeploymentState::Running,
            at: MeshTime(NOW),
            link: None,
        })
    }

    /// A node that states each of these in a batch of its own, into a store that is then opened anew.
    fn recalled(chapter: Chapter, facts: impl Fn(&NodeId) -> Vec<Fact>) -> Vec<Fact> {
        let dir = tempfile::tempdir().unwrap();
        let mesh = MeshId::of("recalling");
        let keypair = Keypair::generate_ed25519();
        let author = p7_mesh::peer::node_of(&keypair.public().to_peer_id()).unwrap();
        let sequence = Sequence { author: author.clone(), boot: Boot(1), chapter };
        let open = || Shelf::new(Store::open(dir.path(), &Config::default()).unwrap(), || MeshTime(NOW));
        let mut shelf = open();
        let batches: Vec<Batch> = (1..)
            .zip(facts(&author))
            .map(|(number, fact)| {
                let (sequence, facts, at) = (sequence.clone(), vec![fact], MeshTime(NOW));
                let mut batch = Batch { sequence, number, at, facts, sealed: Arc::default() };
                batch.sealed = frames::seal_batch(&batch, &keypair, &mesh, 3).unwrap().into();
                batch
            })
            .collect();
        shelf.put(&batches);
        drop(shelf);
        open().recalled(&mesh, MeshTime(NOW)).into_iter().flat_map(|batch| batch.facts).collect()
    }

    #[test]
    fn a_result_whose_cycle_has_not_come_is_heard_again_however_much_was_said_since() {
        let facts = |node: &NodeId| {
            let mut facts: Vec<Fact> = (1..=200).map(|past| result(node, NOW - past * 1_000)).collect();
            facts[0] = result(node, NOW + 600_000);
            facts
        };
        let heard = recalled(Chapter::Results, facts);
        assert_eq!(heard.len(), WHOLE + 1);
        let Fact::Result(first) = &heard[0] else { panic!("{heard:?}") };
        assert_eq!(first.cycle.start(), MeshTime(NOW + 600_000));
    }

    #[test]
    fn a_configuration_is_heard_again_however_much_was_stated_since() {
        let facts = |_: &NodeId| {
            let mut facts = vec![configuration("[services]\n")];
            facts.resize_with(200, deployed);
            facts
        };
        let heard = recalled(Chapter::Statements, facts);
        assert_eq!(heard.len(), WHOLE + 1);
        assert_eq!(heard[0], configuration("[services]\n"));
    }
}

//! Whose pages may stand on a target: the greater claim's, as everywhere in the mesh.

use crate::manifest::Manifest;
use p7_core::mesh::words::Claim;
use p7_core::vocabulary::{MeshTime, Millis};
use p7_pages::STALE_AFTER;

/// Whether this node may publish on a target that holds `found`. A greater claim that is fresh means that
/// another side of the network leads and publishes here: the design asks to keep quiet then.
pub(crate) fn outranked<'a>(found: &'a Manifest, own: &Claim, now: MeshTime) -> Option<&'a Manifest> {
    let other = &found.claim;
    // what this node itself has written, in whatever office, is nobody else's
    if other.node == own.node || other <= own {
        return None;
    }
    let fresh_for = Millis(found.interval_ms.saturating_mul(STALE_AFTER));
    // a time that lies far ahead is a clock's fault, and would keep everybody quiet for as long
    let fresh = now.since(found.at) <= fresh_for && found.at.since(now) <= fresh_for;
    fresh.then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edition::Edition;
    use p7_core::mesh::words::Term;
    use p7_core::vocabulary::NodeId;

    fn claim(full: bool, term: u64, node: &str) -> Claim {
        Claim { full, term: Term(term), priority: 50, node: NodeId::new(node).unwrap() }
    }

    fn found(claim: Claim, at: u64) -> Manifest {
        let interval = Millis(60_000);
        Manifest::empty(&Edition { at: MeshTime(at), claim, by: String::new(), interval, files: Vec::new() })
    }

    #[test]
    fn a_greater_claim_that_is_fresh_keeps_a_node_quiet_and_no_other_does() {
        let (me, now) = (claim(true, 5, "me"), MeshTime(1_000_000));
        for (other, at, quiet) in [
            (claim(true, 6, "other"), 1_000_000 - 180_000, true),
            (claim(true, 6, "other"), 1_000_000 - 180_001, false),
            (claim(true, 6, "other"), 1_000_000 + 180_001, false),
            (claim(true, 4, "other"), 1_000_000, false),
            (claim(false, 9, "other"), 1_000_000, false),
            (claim(true, 5, "zz"), 1_000_000, true),
            (claim(true, 6, "me"), 1_000_000, false),
        ] {
            assert_eq!(outranked(&found(other.clone(), at), &me, now).is_some(), quiet, "{other:?} at {at}");
        }
    }
}

//! What the peers show about this machine's own network.

use p7_bus::PeersSeen;
use p7_core::mesh::view::{MemberView, MeshView};
use p7_core::vocabulary::Millis;

/// A beat that was heard so long ago still proves that there is network: one and a half of them.
const JUST_NOW: Millis = Millis(3_000);

/// Peers at another site that are connected and were heard just now prove that this machine has network.
pub(crate) fn seen(view: &MeshView) -> PeersSeen {
    let site = |member: &MemberView| member.about.as_ref()?.labels.get("site").cloned();
    let Some(me) = view.members.iter().find(|member| member.node == view.me) else {
        return PeersSeen::NoMesh;
    };
    let Some(here) = site(me) else { return PeersSeen::NoMesh };
    let elsewhere = || view.members.iter().filter(|member| site(member).is_some_and(|site| site != here));
    let is_heard = |member: &MemberView| member.connected && me.heard.since(member.heard) <= JUST_NOW;
    if elsewhere().next().is_none() {
        PeersSeen::NoMesh
    } else if elsewhere().any(is_heard) {
        PeersSeen::Some
    } else {
        PeersSeen::None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use p7_core::mesh::view::Liveness;
    use p7_core::mesh::words::{About, Stamp};
    use p7_core::vocabulary::{MeshTime, NodeId};

    fn member(name: &str, site: Option<&str>, connected: bool, heard: u64) -> MemberView {
        let labels = site.map(|site| ("site".to_owned(), site.to_owned())).into_iter().collect();
        MemberView {
            node: NodeId::new(name).unwrap(),
            about: Some(About { labels, ..About::default() }),
            devices: None,
            liveness: Liveness::Alive,
            since: MeshTime(0),
            heard: MeshTime(heard),
            connected,
            offset_ms: None,
            round_trip: None,
            posts: Vec::new(),
            cut_off: false,
            configuration: Stamp::default(),
            links: 0,
            wire: 2,
            seats: 0,
        }
    }

    fn seen_of(others: Vec<MemberView>) -> PeersSeen {
        let me = member("me", Some("paris"), false, 10_000);
        let members = [vec![me], others].concat();
        let (configuration, holdings) = (Stamp::default(), Vec::new());
        let me = NodeId::new("me").unwrap();
        seen(&MeshView { me, members, holdings, configuration, correction_ms: 0 })
    }

    #[test]
    fn only_a_peer_at_another_site_that_was_just_heard_proves_that_there_is_network() {
        assert_eq!(seen_of(Vec::new()), PeersSeen::NoMesh);
        assert_eq!(seen_of(vec![member("a", Some("paris"), true, 10_000)]), PeersSeen::NoMesh);
        assert_eq!(seen_of(vec![member("a", None, true, 10_000)]), PeersSeen::NoMesh);
        assert_eq!(seen_of(vec![member("a", Some("lima"), true, 8_000)]), PeersSeen::Some);
        assert_eq!(seen_of(vec![member("a", Some("lima"), true, 6_000)]), PeersSeen::None);
        assert_eq!(seen_of(vec![member("a", Some("lima"), false, 10_000)]), PeersSeen::None);
    }
}

//! What is not as it should be in the mesh, in words: clocks, configurations, nodes that are cut off,
//! releases that differ.

use super::names::Names;
use super::words;
use p7_core::mesh::view::{Liveness, MemberView, MeshView};
use p7_core::vocabulary::Millis;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A clock that is off by more than one in so many parts of the shortest interval is worth a warning:
/// its results may then count for the wrong cycle.
const SKEW_PART: u64 = 4;
/// Nodes that one warning names.
const NAMED_LIMIT: usize = 8;

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// Its symbol.
    pub icon: &'static str,
    /// What is wrong.
    pub title: String,
    /// What that means and what to do.
    pub what: &'static str,
}

/// From where on a clock is off; none where nothing is watched.
pub(super) fn skew_limit(shortest: Option<Millis>) -> Option<u64> {
    shortest.map(|interval| interval.0 / SKEW_PART)
}

/// Whether a node's clock is off by more than `limit`.
pub(super) fn is_skewed(member: &MemberView, limit: Option<u64>) -> bool {
    let off = member.offset_ms.map(i64::unsigned_abs);
    off.zip(limit).is_some_and(|(off, limit)| off > limit)
}

/// Whether a node has taken up another shared configuration than the newest.
pub(super) fn has_drifted(member: &MemberView, view: &MeshView) -> bool {
    member.configuration != view.configuration
}

/// Whether a node is there, or may be.
pub(super) fn is_here(member: &MemberView) -> bool {
    match member.liveness {
        Liveness::Alive | Liveness::Suspect => true,
        Liveness::Down | Liveness::Left => false,
    }
}

/// Everything that is not as it should be. `shortest` is the shortest interval of a service.
pub fn warnings(view: &MeshView, names: &Names, shortest: Option<Millis>) -> Vec<Warning> {
    let here: Vec<&MemberView> = view.members.iter().filter(|member| is_here(member)).collect();
    let mut found = Vec::new();
    found.extend(cut_off(&here, names));
    found.extend(clocks(view, &here, names, skew_limit(shortest)));
    found.extend(drift(view, &here, names));
    found.extend(wires(&here, names));
    found
}

fn cut_off(here: &[&MemberView], names: &Names) -> Option<Warning> {
    let who = listed(here.iter().filter(|member| member.cut_off), names)?;
    let what = "What fails as seen from there counts for nothing until its network is back.";
    Some(Warning { icon: "offline", title: format!("Cut off from the network: {who}"), what })
}

fn clocks(view: &MeshView, here: &[&MemberView], names: &Names, limit: Option<u64>) -> Option<Warning> {
    let skewed: Vec<&&MemberView> = here.iter().filter(|member| is_skewed(member, limit)).collect();
    let known = here.iter().filter(|member| member.offset_ms.is_some()).count();
    let said = |member: &MemberView| {
        let off = member.offset_ms.unwrap_or_default();
        format!("{} {}", names.of(&member.node), ahead(off))
    };
    let list = skewed.iter().take(NAMED_LIMIT).map(|member| said(member)).collect::<Vec<_>>().join(", ");
    let ahead_too = skewed.iter().filter(|member| member.offset_ms > Some(0)).count();
    let same_way = ahead_too.max(skewed.len() - ahead_too);
    let title = match skewed.len() {
        0 => return None,
        // if nearly everybody is off by as much, it is this node that is
        _ if known > 2 && same_way * 2 > known => {
            format!("The clock of {} is probably wrong: of the others, {list}", names.of(&view.me))
        }
        1 => format!("A clock is wrong: {list}, seen from {}", names.of(&view.me)),
        _ => format!("Clocks are wrong: {list}, seen from {}", names.of(&view.me)),
    };
    let what =
        "Results of a node whose clock is far off are set aside. Let the machine set its clock by NTP.";
    Some(Warning { icon: "stale", title, what })
}

fn drift(view: &MeshView, here: &[&MemberView], names: &Names) -> Option<Warning> {
    let newest = view.configuration.version;
    let mut by_version: BTreeMap<u64, Vec<&&MemberView>> = BTreeMap::new();
    for member in here.iter().filter(|member| has_drifted(member, view)) {
        by_version.entry(member.configuration.version).or_default().push(member);
    }
    let mut said = String::new();
    for (version, members) in &by_version {
        let who = listed(members.iter().copied(), names)?;
        let comma = if said.is_empty() { "" } else { "; " };
        let has = match *version {
            0 => "none yet".to_owned(),
            version if version == newest => format!("another version {version}"),
            version => format!("version {version}"),
        };
        write!(said, "{comma}{has} on {who}").unwrap_or_default();
    }
    let title = format!("Not every node has version {newest} of the shared configuration: {said}");
    let what = "It is taken up within seconds where it is valid; what a node refuses stands on its own page.";
    (!by_version.is_empty()).then_some(Warning { icon: "file", title, what })
}

fn wires(here: &[&MemberView], names: &Names) -> Option<Warning> {
    let newest = here.iter().map(|member| member.wire).max()?;
    let who = listed(here.iter().filter(|member| member.wire < newest), names)?;
    let what = "Nodes of neighbouring releases work together; update the older ones before the next release.";
    let title = format!("Two wire formats are spoken: {newest}, and an older one by {who}");
    Some(Warning { icon: "deploy", title, what })
}

/// `berlin, paris`; none without any.
fn listed<'a>(members: impl Iterator<Item = &'a &'a MemberView>, names: &Names) -> Option<String> {
    let mut called: Vec<String> = members.map(|member| names.of(&member.node)).collect();
    called.sort();
    let more = called.len().saturating_sub(NAMED_LIMIT);
    called.truncate(NAMED_LIMIT);
    if more > 0 {
        called.push(format!("{more} more"));
    }
    (!called.is_empty()).then(|| called.join(", "))
}

/// `is 21 s ahead`.
fn ahead(offset_ms: i64) -> String {
    let by = words::span(Millis(offset_ms.unsigned_abs()));
    format!("is {by} {}", if offset_ms > 0 { "ahead" } else { "behind" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use p7_core::mesh::words::Stamp;

    const MINUTE: Option<Millis> = Some(Millis(60_000));

    /// Everybody is there and well.
    fn well() -> MeshView {
        let mut view = sample::mesh_view();
        let newest = view.configuration;
        for member in &mut view.members {
            member.liveness = Liveness::Alive;
            member.cut_off = false;
            member.configuration = newest;
            member.wire = 1;
            member.offset_ms = (member.node != view.me).then_some(12);
        }
        view
    }

    fn titles(view: &MeshView) -> Vec<String> {
        warnings(view, &sample::names(), MINUTE).into_iter().map(|warning| warning.title).collect()
    }

    #[test]
    fn a_mesh_that_is_well_has_no_warning() {
        assert_eq!(titles(&well()), [""; 0]);
    }

    #[test]
    fn a_clock_is_off_beyond_a_quarter_of_the_shortest_interval() {
        let mut view = well();
        view.members[3].offset_ms = Some(15_000);
        assert_eq!(titles(&view), [""; 0]);
        view.members[3].offset_ms = Some(-15_001);
        assert_eq!(titles(&view), ["A clock is wrong: sydney is 15 s behind, seen from paris"]);
        assert!(warnings(&view, &sample::names(), None).is_empty(), "nothing is watched");
        view.members[3].liveness = Liveness::Down;
        assert_eq!(titles(&view), [""; 0]);
    }

    #[test]
    fn when_nearly_everybody_is_off_alike_it_is_this_node_that_is() {
        let mut view = well();
        for member in view.members.iter_mut().filter(|member| member.offset_ms.is_some()).take(3) {
            member.offset_ms = Some(40_000);
        }
        let said = "The clock of paris is probably wrong: of the others, berlin is 40 s ahead, \
                    montreal is 40 s ahead, sydney is 40 s ahead";
        assert_eq!(titles(&view), [said]);
    }

    #[test]
    fn drift_a_cut_off_node_and_an_older_release_are_named() {
        let mut view = well();
        view.members[0].cut_off = true;
        view.members[1].configuration = Stamp { version: 13, hash: 1 };
        view.members[3].configuration = Stamp::default();
        view.members[4].wire = 2;
        assert_eq!(
            titles(&view),
            [
                "Cut off from the network: berlin",
                "Not every node has version 14 of the shared configuration: none yet on sydney; \
                 version 13 on montreal",
                "Two wire formats are spoken: 2, and an older one by berlin, montreal, paris, sydney",
            ]
        );
    }
}

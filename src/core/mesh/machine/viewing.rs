//! The mesh as this node sees it, put together when somebody looks.

use super::{CutOff, Machine};
use crate::mesh::election::Election;
use crate::mesh::members::Member;
use crate::mesh::view::{Holding, Liveness, MemberView, MeshView};
use crate::mesh::words::{Configuration, Now, Role, Stamp, Steady};
use crate::vocabulary::{MeshTime, Millis, NodeId};
use std::sync::Arc;

impl Machine {
    /// The mesh as this node sees it.
    pub fn view(&self, now: Now) -> MeshView {
        let mut members: Vec<MemberView> = self
            .members
            .all()
            .map(|member| self.view_of(member, now))
            .chain([self.view_of_me(now)])
            .collect();
        // nodes that are known by what they said long ago only
        for (node, about) in &self.abouts {
            if !members.iter().any(|member| member.node == *node) {
                let devices = self.devices.get(node).cloned();
                let unheard = unheard(node.clone(), about.at);
                members.push(MemberView { about: Some(about.clone()), devices, ..unheard });
            }
        }
        members.sort_by(|a, b| a.node.cmp(&b.node));
        let holding = |election: &Election| Holding {
            role: election.role().clone(),
            claim: election.holder().cloned(),
        };
        MeshView {
            me: self.me.clone(),
            members,
            holdings: self.elections.iter().map(holding).collect(),
            configuration: self.shared.stamp(),
            correction_ms: self.clock.correction(),
        }
    }

    /// Whether this node holds a role.
    pub fn holds(&self, role: &Role) -> bool {
        self.elections.iter().any(|election| election.role() == role && election.holds())
    }

    /// Who holds a role, as this node sees it.
    pub fn holder(&self, role: &Role) -> Option<&crate::mesh::words::Claim> {
        self.elections.iter().find(|election| election.role() == role)?.holder()
    }

    /// The newest wire format that this node and every other that is there understand.
    pub fn common_wire(&self) -> u8 {
        let others = self.members.alive().filter_map(|member| member.beat.as_ref());
        others.map(|beat| beat.wire).fold(self.wire, u8::min)
    }

    /// The others that are there.
    pub fn peers_alive(&self) -> usize {
        self.members.alive().count()
    }

    /// What this node has of every sequence.
    pub fn have(&self) -> Vec<crate::mesh::words::Have> {
        self.journal.have()
    }

    /// A digest of that: equal where the same is known.
    pub fn digest(&self) -> u64 {
        self.journal.digest()
    }

    /// The newest shared configuration.
    pub fn configuration(&self) -> Option<&Arc<Configuration>> {
        self.shared.newest()
    }

    fn view_of_me(&self, now: Now) -> MemberView {
        MemberView {
            node: self.me.clone(),
            about: self.abouts.get(&self.me).cloned(),
            devices: self.devices.get(&self.me).cloned(),
            liveness: Liveness::Alive,
            since: wall_of(self.started, now),
            heard: now.wall,
            connected: false,
            offset_ms: None,
            round_trip: None,
            posts: self.elections.iter().map(|election| fitness(&election.post())).collect(),
            cut_off: self.cut_off == CutOff::Yes,
            configuration: self.taken_up,
            links: self.links(),
            wire: self.wire,
            seats: self.seats.get(&self.me).copied().unwrap_or_default(),
        }
    }

    fn view_of(&self, member: &Member, now: Now) -> MemberView {
        let beat = member.beat.as_ref();
        MemberView {
            node: member.node.clone(),
            about: self.abouts.get(&member.node).cloned(),
            devices: self.devices.get(&member.node).cloned(),
            liveness: member.liveness,
            since: wall_of(member.since, now),
            heard: wall_of(member.heard, now),
            connected: member.connected,
            offset_ms: self.clock.offset_of(&member.node),
            round_trip: self.catching_up.round_trip(&member.node),
            posts: beat.map(|beat| beat.posts.iter().map(fitness).collect()).unwrap_or_default(),
            cut_off: beat.is_some_and(|beat| beat.cut_off),
            configuration: beat.map_or_else(Stamp::default, |beat| beat.configuration),
            links: beat.map_or(0, |beat| beat.links),
            wire: beat.map_or(0, |beat| beat.wire),
            seats: self.seats.get(&member.node).copied().unwrap_or_default(),
        }
    }
}

fn fitness(post: &crate::mesh::words::Post) -> (Role, bool) {
    (post.role.clone(), post.fit)
}

fn wall_of(at: Steady, now: Now) -> MeshTime {
    now.wall.minus(now.steady.since(at))
}

/// A node that was not heard since this one started.
fn unheard(node: NodeId, last: MeshTime) -> MemberView {
    MemberView {
        node,
        about: None,
        devices: None,
        liveness: Liveness::Down,
        since: last,
        heard: last,
        connected: false,
        offset_ms: None,
        round_trip: None::<Millis>,
        posts: Vec::new(),
        cut_off: false,
        configuration: Stamp::default(),
        links: 0,
        wire: 0,
        seats: 0,
    }
}

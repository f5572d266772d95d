//! Roles and seats: who leads, who tests what, worked out anew when somebody comes, goes or changes.

use super::{CutOff, Effect, Machine};
use crate::mesh::assign::Prospect;
use crate::mesh::election::{Candidate, Company, Fitness, Wish};
use crate::mesh::mesh_time::DEFAULT_INTERVAL;
use crate::mesh::rules::Rule;
use crate::mesh::words::{Now, Role, Stamp};
use crate::service::Service;
use crate::vocabulary::{Millis, NodeId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A node that has just come gets seats once it has been there for so long: one that comes and goes moves nothing.
const SEAT_AFTER: Millis = Millis(10_000);

impl Machine {
    /// Turns every election and does what it wishes.
    pub(super) fn elect(&mut self, now: Now, effects: &mut Vec<Effect>) {
        let company = self.company();
        let mut elections = std::mem::take(&mut self.elections);
        for election in &mut elections {
            let role = election.role().clone();
            let others: Vec<Candidate<'_>> = self
                .members
                .alive()
                .filter_map(|member| {
                    let beat = member.beat.as_ref()?;
                    let post = beat.posts.iter().find(|post| post.role == role)?;
                    Some(Candidate {
                        node: &member.node,
                        priority: beat.priority,
                        alive_since: member.alive_since,
                        post,
                    })
                })
                .collect();
            let wishes = election.turn(&others, company, now.steady);
            self.grant(&role, wishes, now, effects);
        }
        self.elections = elections;
    }

    /// Whom no connection leads to is alone, also while the last beats of others are not old yet: of two nodes
    /// that lose their only connection, neither may take a role over from where the rest of the mesh is.
    fn company(&self) -> Company {
        let is_reached = self.members.alive().any(|member| member.connected);
        if is_reached { Company::WithOthers } else { Company::Alone }
    }

    pub(super) fn grant(&mut self, role: &Role, wishes: Vec<Wish>, now: Now, effects: &mut Vec<Effect>) {
        for wish in wishes {
            match wish {
                Wish::Keep(term) => effects.push(Effect::Keep(role.clone(), term)),
                Wish::Changed => self.beat_soon(now),
                Wish::Holder(holder) => {
                    effects.push(Effect::Holder(role.clone(), holder));
                    effects.push(Effect::Members);
                }
            }
        }
    }

    pub(super) fn note_fitness(
        &mut self,
        role: &Role,
        fitness: Fitness,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        for election in self.elections.iter_mut().filter(|election| election.role() == role) {
            election.fit(fitness);
        }
        self.beat_soon(now);
        self.elect(now, effects);
    }

    pub(super) fn note_cut_off(&mut self, cut_off: CutOff, now: Now) {
        if self.cut_off != cut_off {
            self.cut_off = cut_off;
            self.beat_soon(now);
        }
    }

    pub(super) fn wake_up(&mut self, now: Now, effects: &mut Vec<Effect>) {
        if self.rules.has(Rule::Sleep) {
            self.lookout.slept();
            self.catching_up.slept();
            let changes = self.members.slept(now);
            self.clock.own_clock(now);
            self.changed(changes, now, effects);
            let mut elections = std::mem::take(&mut self.elections);
            for election in &mut elections {
                let wishes = election.slept(now.steady);
                self.grant(&election.role().clone(), wishes, now, effects);
            }
            self.elections = elections;
        }
        self.beat_soon(now);
    }

    pub(super) fn watching(
        &mut self,
        services: Arc<Vec<Arc<Service>>>,
        stamp: Stamp,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        let shortest = services.iter().map(|service| service.interval.span()).min();
        self.clock.set_interval(shortest.unwrap_or(DEFAULT_INTERVAL));
        self.services = services;
        self.taken_up = stamp;
        self.beat_soon(now);
        self.assign(now, effects);
        effects.push(Effect::Members);
    }

    /// Works out who tests what.
    pub(super) fn assign(&mut self, now: Now, effects: &mut Vec<Effect>) {
        let nothing = BTreeMap::new();
        let prospect = |node| {
            let labels = self.abouts.get(node).map_or(&nothing, |about| &about.labels);
            Prospect { node, labels, site: labels.get("site").map(String::as_str) }
        };
        let mut prospects = vec![prospect(&self.me)];
        let mut waiting = None;
        for member in self.members.alive() {
            // who was there when we came is taken as settled
            let seated_at = member.alive_since.plus(SEAT_AFTER);
            let new = member.alive_since > self.started.plus(SEAT_AFTER) && seated_at > now.steady;
            if new {
                waiting = Some(waiting.map_or(seated_at, |at| seated_at.min(at)));
            } else {
                prospects.push(prospect(&member.node));
            }
        }
        prospects.sort_by(|a, b| a.node.cmp(b.node));
        let mesh_now = self.clock.mesh_time(now.wall);
        let seats = self.assignment.turn(&self.services, &prospects, mesh_now);
        let leaving = self.assignment.due().map(|at| now.steady.plus(at.since(mesh_now).max(Millis(1))));
        self.assign_due = [waiting, leaving].into_iter().flatten().min();
        if let Some(seats) = seats {
            self.lookout.watching(&self.services, &seats);
            self.count_seats();
            effects.push(Effect::Seats(seats));
            effects.push(Effect::Members);
        }
    }

    fn count_seats(&mut self) {
        let mut seats: BTreeMap<NodeId, u32> = BTreeMap::new();
        for service in self.services.iter() {
            for node in self.assignment.of(&service.id) {
                match seats.get_mut(node) {
                    Some(count) => *count += 1,
                    None => {
                        seats.insert(node.clone(), 1);
                    }
                }
            }
        }
        self.seats = seats;
    }
}

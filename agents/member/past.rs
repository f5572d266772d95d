//! Figures of a time that was missed: noticed, asked of peers, stored; and given to peers that ask.

use crate::clock;
use crate::member::Member;
use actix::Context;
use p7_core::mesh::machine::Event;
use p7_core::mesh::missed::{Missed, while_away};
use p7_core::mesh::words::{FiguresOf, Have, RollupCursor};
use p7_core::rollup::Resolution;
use p7_core::vocabulary::{Millis, NodeId};
use p7_mesh::frames::{self, Figured, SealError};

impl Member {
    /// After a start: what was missed before is still missed, and this node may have been away.
    pub(crate) fn look_back(&mut self, context: &mut Context<Self>) {
        let now = self.machine.mesh_time(clock::now());
        let (seen, told, kept) = self.shelf.absence();
        let missed = match (while_away(seen, now, told), kept) {
            (Some(missed), Some(kept)) => Some(missed.and(kept)),
            (missed, kept) => missed.or(kept),
        };
        self.misses(missed, context);
    }

    fn misses(&mut self, missed: Option<Missed>, context: &mut Context<Self>) {
        let Some(missed) = missed else { return };
        tracing::info!(from = missed.from.0, to = missed.to.0, "figures of this time are asked of others");
        self.hear(Event::Missed(missed, None), context);
    }

    /// Notes that this node is in the mesh, unless nobody else is.
    pub(crate) fn note_presence(&mut self, context: &mut Context<Self>) {
        if self.machine.peers_alive() > 0 {
            let now = self.machine.mesh_time(clock::now());
            // a machine that was suspended, or cut off, has missed as much as one that was off
            let (seen, told, _) = self.shelf.absence();
            self.misses(while_away(seen, now, told), context);
            self.shelf.note_seen(now);
        }
    }

    /// A peer has told what it has: what it has forgotten and never came here is lost, but for its figures.
    pub(crate) fn notice_losses(&mut self, from: &NodeId, have: &[Have], context: &mut Context<Self>) {
        let lost = self.machine.lost(have);
        let since = lost.iter().filter_map(|sequence| self.shelf.latest_stated(sequence)).min();
        let Some(since) = since else { return };
        let to = Resolution::Hour.start_of(self.machine.mesh_time(clock::now()));
        let missed = Missed { from: Resolution::Hour.start_of(since), to };
        if missed.from < missed.to {
            self.hear(Event::Missed(missed, Some(from.clone())), context);
        }
    }

    /// A peer has answered with figures: only what it was asked for is taken.
    pub(crate) fn figured(&mut self, from: NodeId, ticket: u64, page: Figured, context: &mut Context<Self>) {
        let Some(of) = self.machine.figures_asked(&from, ticket) else {
            return self.hear(Event::Answered { from, ticket, answer: None }, context);
        };
        let mut rows = page.rows;
        rows.retain(|row| row.resolution == of.resolution && row.start >= of.from && row.start < of.to);
        let now = self.machine.mesh_time(clock::now());
        if self.shelf.take_figures(&rows, now) {
            self.hear(Event::Figured { from, ticket, more: page.more }, context);
        } else {
            // the disk is full: later
            self.hear(Event::Answered { from, ticket, answer: None }, context);
        }
    }

    /// Gives a peer a page of figures, as many as fit.
    pub(crate) fn answer_figures(&self, token: u64, of: &FiguresOf) {
        let mut limit = frames::FIGURES_LIMIT;
        while limit > 0 {
            let Some((rows, more)) = self.shelf.figures(of, limit) else { return };
            let more = more.map(RollupCursor);
            match frames::answer_figures(of.resolution, &rows, more.as_ref(), self.common_wire()) {
                Ok(frame) => return self.link.answer(token, frame),
                Err(SealError::TooLarge { .. }) => limit /= 2,
                Err(error) => return tracing::error!(%error, "can't answer a peer"),
            }
        }
    }
}

/// What the store knows of an absence: when this node was last seen in the mesh, for how long results are
/// told, and what is missed since before.
pub(crate) type Absence = (Option<p7_core::vocabulary::MeshTime>, Millis, Option<Missed>);

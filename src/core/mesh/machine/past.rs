//! The past that only figures tell of: asked for when nothing that is newer is still to come.

use super::{Effect, Machine};
use crate::mesh::missed::Missed;
use crate::mesh::words::{Chapter, FiguresOf, Have, Now, Question, RollupCursor, Sequence, Steady};
use crate::vocabulary::NodeId;

/// Nodes of this wire format and later know of figures; others would leave the question unanswered.
const FIGURES_WIRE: u8 = 3;

impl Machine {
    /// Sequences of results of which a peer shows that a part is lost: it has forgotten what never came here.
    pub fn lost(&self, theirs: &[Have]) -> Vec<Sequence> {
        let mut lost = self.journal.lost(theirs);
        lost.retain(|sequence| sequence.chapter == Chapter::Results);
        lost
    }

    /// What this peer was asked for with this ticket, if it was for figures.
    pub fn figures_asked(&self, of: &NodeId, ticket: u64) -> Option<&FiguresOf> {
        self.past.asked(of).filter(|_| self.catching_up.has_asked_for_figures(of, ticket))
    }

    pub(super) fn miss(
        &mut self,
        missed: Missed,
        shown_by: Option<NodeId>,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        if self.past.miss(missed, shown_by, now.steady) {
            effects.push(Effect::Missed(self.past.missed()));
        }
    }

    /// When there is something to ask, and somebody to ask it of.
    pub(super) fn past_due(&self) -> Option<Steady> {
        let due = self.past.due()?;
        (!self.catching_up.is_busy() && self.knows_of_figures().next().is_some()).then_some(due)
    }

    fn knows_of_figures(&self) -> impl Iterator<Item = &NodeId> {
        self.catching_up.peers().filter(|peer| {
            let beat = self.members.get(peer).and_then(|member| member.beat.as_ref());
            beat.is_some_and(|beat| beat.wire >= FIGURES_WIRE)
        })
    }

    pub(super) fn ask_for_the_past(&mut self, now: Now, effects: &mut Vec<Effect>) {
        if self.past_due().is_none_or(|due| due > now.steady) {
            return;
        }
        let peers: Vec<NodeId> = self.knows_of_figures().cloned().collect();
        let chance = self.chance.draw();
        let mesh_now = self.mesh_time(now);
        if let Some((to, of)) = self.past.ask(&peers, chance, mesh_now) {
            let ticket = self.catching_up.asks_for_figures(&to, now.steady);
            effects.push(Effect::Ask { to, ticket, question: Question::Figures(of) });
        }
    }

    /// A page of figures is stored.
    pub(super) fn took_figures(
        &mut self,
        from: &NodeId,
        ticket: u64,
        more: Option<RollupCursor>,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        if self.figures_asked(from, ticket).is_none() {
            return;
        }
        self.catching_up.figured(from, ticket);
        if self.past.took(more, now.steady) {
            effects.push(Effect::Missed(self.past.missed()));
        }
    }
}

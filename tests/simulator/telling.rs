//! What happens, in words, for whoever looks into a run.

use crate::network::Index;
use crate::world::World;
use p7_core::mesh::machine::{Effect, Event};

impl World {
    pub(crate) fn tell_event(&mut self, node: Index, event: &Event) {
        let text = match event {
            Event::Woke | Event::HeardBeat(_) | Event::Asked { .. } | Event::Answered { .. } => return,
            Event::HeardBatch(batch) => {
                format!("hears {:?} {}: {:?}", batch.sequence, batch.number, brief(&batch.facts))
            }
            Event::Stated(facts) => format!("states {:?}", brief(facts)),
            Event::Watching(_, stamp) => format!("watches by {stamp:?}"),
            Event::Recalled(batches) => format!("recalls {} batches", batches.len()),
            Event::Slept
            | Event::Connected(_)
            | Event::Disconnected(_)
            | Event::HeardSuspicion(_)
            | Event::Suspects(..)
            | Event::CutOff(_)
            | Event::Fit(..)
            | Event::Figured { .. }
            | Event::Missed(..)
            | Event::Forgotten(_)
            | Event::Stopping => format!("{event:?}"),
        };
        self.tell(|_| format!("n{node} < {text}"));
    }

    pub(crate) fn tell_effect(&mut self, node: Index, effect: &Effect) {
        let text = match effect {
            Effect::Beat(beat) => match beat.posts.first() {
                Some(post) if post.claim.is_some() || post.yields_to.is_some() => {
                    format!("beats: claims {:?}, yields to {:?}", post.claim, post.yields_to)
                }
                Some(_) | None => return,
            },
            Effect::PassOn | Effect::Members | Effect::Answer { .. } => return,
            Effect::Publish(batch) => format!("publishes {:?} {}", batch.sequence, batch.number),
            Effect::Take(batches) => {
                let taken: Vec<_> = batches.iter().map(|batch| (&batch.sequence, batch.number)).collect();
                format!("takes {taken:?}")
            }
            Effect::Release(facts) => format!("releases {} facts", facts.len()),
            Effect::Ask { to, .. } => format!("asks {to}"),
            Effect::Suspect(_)
            | Effect::AnswerFigures { .. }
            | Effect::Missed(_)
            | Effect::Keep(..)
            | Effect::Holder(..)
            | Effect::Seats(_)
            | Effect::Confirm(_)
            | Effect::Configuration(_)
            | Effect::Disconnect(_)
            | Effect::Dropped(..) => format!("{effect:?}"),
        };
        self.tell(|_| format!("n{node} > {text}"));
    }
}

/// Facts in few words.
fn brief(facts: &[p7_core::mesh::words::Fact]) -> Vec<String> {
    use p7_core::mesh::words::Fact;
    let of = |fact: &Fact| match fact {
        Fact::Result(result) => {
            format!("{} {} {} at {}", result.service, result.cycle.start().0, result.outcome, result.at.0)
        }
        Fact::Noticed(notice) => format!("{notice:?}"),
        Fact::About(_) => "about".to_owned(),
        Fact::Devices(_) => "devices".to_owned(),
        Fact::Configured(configured) => format!("{:?}", configured.stamp),
        Fact::Acknowledged(_) | Fact::Held(_) | Fact::Deployed(_) | Fact::MailRead(_) => {
            "statement".to_owned()
        }
    };
    facts.iter().map(of).collect()
}

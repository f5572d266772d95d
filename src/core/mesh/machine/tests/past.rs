//! Figures of what was missed: asked for of whoever knows of them, when nothing newer is to come.

use super::*;
use crate::mesh::missed::Missed;
use crate::rollup::Resolution;

/// A machine that is connected to these peers of these wire versions, and has nothing else to ask.
fn connected(peers: &[(&str, u8)]) -> (Machine, Now) {
    let mut now = Now { wall: MeshTime(BEGIN), steady: Steady(1_000) };
    let mut machine = Machine::new(setup("me", 1, Vec::new()), now);
    let later = |now: Now| Now { wall: now.wall.plus(Millis(100)), steady: now.steady.plus(Millis(100)) };
    for (peer, wire) in peers {
        hear(&mut machine, Event::Connected(id(peer)), now);
        now = later(now);
        let mut beat = Machine::new(setup(peer, 1, Vec::new()), now).sign_of_life(now);
        beat.wire = *wire;
        hear(&mut machine, Event::HeardBeat(beat), now);
    }
    for _ in 0..10 {
        now = later(now);
        hear(&mut machine, Event::Woke, now);
    }
    (machine, now)
}

fn missed() -> Missed {
    Missed { from: MeshTime(BEGIN - 10 * 3_600_000), to: MeshTime(BEGIN) }
}

/// Lets it hear something; its questions for figures come back, all others are answered with nothing.
fn hear(machine: &mut Machine, event: Event, now: Now) -> Option<(NodeId, u64, FiguresOf)> {
    let mut asked = None;
    for effect in machine.hear(event, now) {
        let Effect::Ask { to, ticket, question } = effect else { continue };
        if let Question::Figures(of) = question {
            asked = Some((to, ticket, of));
        } else {
            let answer = Some(Answer { batches: Vec::new(), have: Vec::new() });
            machine.hear(Event::Answered { from: to, ticket, answer }, now);
        }
    }
    asked
}

/// What it asks next for, and whom, within some seconds.
fn asks(machine: &mut Machine, now: &mut Now) -> Option<(NodeId, u64, FiguresOf)> {
    for _ in 0..30 {
        now.wall = now.wall.plus(Millis(100));
        now.steady = now.steady.plus(Millis(100));
        if let Some(asked) = hear(machine, Event::Woke, *now) {
            return Some(asked);
        }
    }
    None
}

fn remembered(effects: &[Effect]) -> Vec<Option<Missed>> {
    let kept = |effect: &Effect| if let Effect::Missed(missed) = effect { Some(*missed) } else { None };
    effects.iter().filter_map(kept).collect()
}

#[test]
fn what_was_missed_is_asked_for_page_by_page_and_remembered_until_it_is_here() {
    let (mut machine, mut now) = connected(&[("old", 2), ("new", 3)]);
    let effects = machine.hear(Event::Missed(missed(), None), now);
    assert_eq!(remembered(&effects), [Some(missed())]);
    let (to, ticket, of) = asks(&mut machine, &mut now).unwrap();
    assert_eq!((&to, of.resolution, of.to), (&id("new"), Resolution::Hour, MeshTime(BEGIN)));
    assert_eq!(machine.figures_asked(&to, ticket), Some(&of));
    assert_eq!(machine.figures_asked(&id("old"), ticket), None, "that one was not asked");
    assert!(asks(&mut machine, &mut now).is_none(), "one question at a time");
    machine.hear(Event::Figured { from: to.clone(), ticket, more: Some(RollupCursor(vec![1])) }, now);
    let mut done = Vec::new();
    for _ in 0..2 {
        let Some((to, ticket, _)) = asks(&mut machine, &mut now) else { break };
        done = remembered(&machine.hear(Event::Figured { from: to, ticket, more: None }, now));
    }
    assert_eq!(done, [None], "nothing is missed any more");
}

#[test]
fn nodes_that_do_not_know_of_figures_are_not_asked() {
    let (mut machine, mut now) = connected(&[("old", 2)]);
    machine.hear(Event::Missed(missed(), None), now);
    assert!(asks(&mut machine, &mut now).is_none());
}

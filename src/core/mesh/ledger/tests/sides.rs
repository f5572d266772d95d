//! What two sides of a partition have said, each without knowing the other, comes together.

use super::*;

#[test]
fn an_outage_that_was_said_by_who_did_not_know_of_the_recovery_is_recovered_from_once_more() {
    // which recoveries come to light beside an outage of incident 8 with number 2, and whether another is due
    let cases: [(&[Notice], bool); 6] = [
        (&[sent(3, "b", 7, Healthy)], true), // of an earlier incident: its author did not know of the outage
        (&[sent(2, "b", 8, Healthy)], true), // with the same number: nor did it here
        (&[sent(3, "b", 8, Healthy)], false), // of the same
        (&[sent(3, "b", 9, Healthy)], false), // of a later one
        (&[sent(3, "b", 8, Healthy), sent(4, "c", 7, Healthy)], false), // one is enough
        (&[sent(3, "b", 7, Healthy), sent(5, "b", 8, Down), sent(6, "b", 8, Healthy)], false),
    ];
    for (recoveries, is_due) in cases {
        let entries = [&[sent(1, "b", 7, Incident), sent(2, "a", 8, Incident)], recoveries].concat();
        for backwards in [false, true] {
            let mut it = ledger(RuleSet::ALL);
            let mut order: Vec<&Notice> = entries.iter().collect();
            if backwards {
                order.reverse();
            }
            for entry in order {
                it.note(entry, at(0));
            }
            let next = entries.iter().map(|entry| entry.number).max().unwrap() + 1;
            due(&mut it, 7, Healthy, Leader, 1);
            // of the outage's incident, though this node has dated that back
            let step = Step::Intend(intent(next, "me", 8, Healthy));
            let expected = if is_due { vec![step] } else { vec![] };
            assert_eq!(due(&mut it, 7, Healthy, Leader, 9), expected, "{recoveries:?}");
            let kept: Vec<Notice> = it.entries().collect();
            let mut later = noting(&kept);
            due(&mut later, 7, Healthy, Leader, 10);
            assert_eq!(due(&mut later, 7, Healthy, Leader, 20).len(), usize::from(is_due), "kept: {kept:?}");
            it.sent(&intent(next, "me", 8, Healthy));
            assert_eq!(due(&mut it, 7, Healthy, Leader, 60), [], "once is enough");
            assert_eq!(it.said(&shop(), "slack").map(|said| said.level), Some(Healthy));
        }
    }
}

#[test]
fn a_recovery_ends_every_outage_its_author_knows_of_though_the_incident_was_dated_back_in_between() {
    let mut it = ledger(RuleSet::ALL);
    it.note(&sent(1, "a", 8, Incident), at(0));
    it.note(&sent(2, "a", 7, Down), at(0));
    let recovery = intent(3, "me", 8, Healthy);
    assert_eq!(due(&mut it, 7, Healthy, Leader, 1), [Step::Intend(recovery.clone())]);
    it.sent(&recovery);
    for seconds in [2, 60] {
        assert_eq!(due(&mut it, 7, Healthy, Leader, seconds), [], "once is enough");
    }
}

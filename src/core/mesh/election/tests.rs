//! The rules of a role with one holder, each a sentence, for one node among made-up others.

mod office;
mod together;

use super::*;

pub(super) fn id(text: &str) -> NodeId {
    NodeId::new(text).unwrap()
}

pub(super) fn claim(node: &str, full: bool, term: u64) -> Claim {
    Claim { full, term: Term(term), priority: 50, node: id(node) }
}

/// Another node in a table: id, priority, post.
struct Other {
    node: NodeId,
    priority: u8,
    post: Post,
}

fn other(node: &str) -> Other {
    let post = Post { role: Role::Leader, fit: true, highest: Term(0), claim: None, yields_to: None };
    Other { node: id(node), priority: 50, post }
}

impl Other {
    fn unfit(mut self) -> Self {
        self.post.fit = false;
        self
    }

    fn ranked(mut self, priority: u8) -> Self {
        self.priority = priority;
        self
    }

    fn saw(mut self, term: u64) -> Self {
        self.post.highest = Term(term);
        self
    }

    fn claims(mut self, full: bool, term: u64) -> Self {
        self.post.claim =
            Some(Claim { full, term: Term(term), priority: self.priority, node: self.node.clone() });
        self
    }

    fn claims_for(mut self, node: &str, term: u64) -> Self {
        self.post.claim = Some(claim(node, true, term));
        self
    }

    fn yields(mut self, to: &str) -> Self {
        self.post.yields_to = Some(id(to));
        self
    }
}

fn node(rules: RuleSet) -> Election {
    Election::new(Role::Leader, id("m"), 50, Term(0), rules, Steady(0))
}

fn turn(election: &mut Election, others: &[Other], ms: u64) -> Vec<Wish> {
    let candidates: Vec<Candidate<'_>> = others
        .iter()
        .map(|Other { node, priority, post }| Candidate {
            node,
            priority: *priority,
            alive_since: Steady(0),
            post,
        })
        .collect();
    let company = if others.is_empty() { Company::Alone } else { Company::WithOthers };
    let wishes = election.turn(&candidates, company, Steady(ms));
    assert!(election.due().is_none_or(|due| due.0 > ms), "due {:?} after a turn at {ms}", election.due());
    wishes
}

/// What a claim comes to.
fn claimed(term: u64) -> [Wish; 3] {
    [Wish::Keep(Term(term)), Wish::Changed, Wish::Holder(Some(id("m")))]
}

/// A holder alone among others, since 8 s.
fn holder(rules: RuleSet, others: &[Other]) -> Election {
    let mut election = node(rules);
    assert_eq!(turn(&mut election, others, 8000), claimed(1));
    election
}

#[test]
fn nobody_claims_before_it_has_settled() {
    let mut election = node(RuleSet::ALL);
    assert_eq!(turn(&mut election, &[], 0), []);
    assert_eq!(election.due(), Some(Steady(8000)));
    assert_eq!(turn(&mut election, &[], 7999), []);
    assert_eq!(turn(&mut election, &[], 8000), claimed(1));
    assert_eq!(election.holder(), Some(&claim("m", false, 1)));
    assert_eq!(turn(&mut node(RuleSet::ALL.without(Rule::Settle)), &[], 0), claimed(1));
}

#[test]
fn a_node_whose_configuration_says_it_is_alone_claims_at_once() {
    let mut election = Election::alone(Role::Persona, id("m"), 50, Term(4), RuleSet::ALL, Steady(0));
    assert_eq!(election.due(), Some(Steady(0)));
    assert_eq!(turn(&mut election, &[], 0), claimed(5));
    assert_eq!(election.slept(Steady(9000)), [Wish::Changed, Wish::Holder(None)]);
    assert_eq!(turn(&mut election, &[], 9000), claimed(6));
}

#[test]
fn nobody_claims_while_a_live_claim_is_known() {
    let mut election = node(RuleSet::ALL);
    assert_eq!(turn(&mut election, &[other("a").claims(false, 1)], 8000), [Wish::Holder(Some(id("a")))]);
    assert_eq!(turn(&mut election, &[other("a").claims(false, 1)], 900_000), []);
    assert_eq!((election.holds(), election.due()), (false, None));
}

#[test]
fn candidates_claim_one_after_the_other_by_priority_and_id() {
    let table: [(&str, Vec<Other>, Option<u64>); 8] = [
        ("the first at once", vec![other("a"), other("b")], Some(8000)),
        ("behind a greater id", vec![other("z")], Some(12_000)),
        ("behind two", vec![other("z"), other("y"), other("a")], Some(16_000)),
        ("behind a higher priority", vec![other("a").ranked(51)], Some(12_000)),
        ("not behind a lower one", vec![other("z").ranked(49)], Some(8000)),
        ("not behind one that is not fit", vec![other("z").unfit()], Some(8000)),
        ("not behind one that never claims", vec![other("z").ranked(0)], Some(8000)),
        ("nor does a claim in another's name count", vec![other("a").claims_for("z", 9)], Some(8000)),
    ];
    for (case, others, expected) in table {
        let mut election = node(RuleSet::ALL);
        turn(&mut election, &others, 0);
        let times = (0..200).map(|step| step * 1000);
        let at = times.into_iter().find(|ms| {
            turn(&mut election, &others, *ms);
            election.holds()
        });
        assert_eq!(at, expected, "{case}");
    }
    let mut hasty = node(RuleSet::ALL.without(Rule::Stagger));
    turn(&mut hasty, &[other("z")], 8000);
    assert!(hasty.holds());
}

#[test]
fn who_is_not_fit_leaves_it_to_who_is_and_if_nobody_is_the_first_claims_later() {
    let mut election = node(RuleSet::ALL);
    election.fit(Fitness::Unfit);
    assert_eq!(turn(&mut election, &[other("a")], 8000), [Wish::Changed]);
    assert_eq!(turn(&mut election, &[other("a")], 900_000), []);
    let mut first = node(RuleSet::ALL);
    first.fit(Fitness::Unfit);
    turn(&mut first, &[other("a").unfit()], 8000);
    assert_eq!(first.due(), Some(Steady(8000 + 16_000)));
    assert_eq!(turn(&mut first, &[other("a").unfit()], 24_000), claimed(1));
    let mut second = node(RuleSet::ALL);
    second.fit(Fitness::Unfit);
    turn(&mut second, &[other("z").unfit()], 8000);
    assert_eq!(second.due(), Some(Steady(8000 + 20_000)));
}

#[test]
fn priority_zero_never_claims() {
    let mut election = Election::new(Role::Leader, id("m"), 0, Term(0), RuleSet::ALL, Steady(0));
    assert_eq!(turn(&mut election, &[], 900_000), []);
    assert_eq!(
        turn(&mut election, &[other("a").claims(true, 1).unfit().yields("m")], 900_001),
        [Wish::Holder(Some(id("a")))]
    );
    assert!(!election.holds());
}

#[test]
fn the_first_in_rank_claims_as_soon_as_the_death_of_the_leader_is_known() {
    let mut election = node(RuleSet::ALL);
    turn(&mut election, &[other("z").claims(true, 6), other("a")], 60_000);
    assert_eq!(turn(&mut election, &[other("a").saw(6)], 70_000), claimed(7));
    assert_eq!(election.holder(), Some(&claim("m", true, 7)));
}

#[test]
fn a_claims_term_is_above_every_term_it_ever_heard_of() {
    let heard = [other("a").saw(41), other("b").claims(true, 17)];
    for (rules, expected) in [(RuleSet::ALL, 42), (RuleSet::ALL.without(Rule::HighestTerm), 4)] {
        let mut election = Election::new(Role::Leader, id("m"), 50, Term(3), rules, Steady(0));
        turn(&mut election, &heard, 8000);
        assert_eq!(turn(&mut election, &[], 9000), claimed(expected));
    }
}

#[test]
fn a_term_that_a_liar_has_driven_to_the_end_breaks_nothing() {
    let mut election = holder(RuleSet::ALL, &[other("a")]);
    turn(&mut election, &[other("a").saw(u64::MAX).claims(true, u64::MAX)], 9000);
    assert_eq!(turn(&mut election, &[], 10_000), claimed(u64::MAX));
}

#[test]
fn a_claim_made_alone_is_solo_and_becomes_full_after_ten_seconds_of_company() {
    let mut election = holder(RuleSet::ALL, &[]);
    assert_eq!(election.holder(), Some(&claim("m", false, 1)));
    assert_eq!(turn(&mut election, &[other("a")], 20_000), []);
    assert_eq!(election.due(), Some(Steady(30_000)));
    assert_eq!(turn(&mut election, &[], 25_000), []);
    assert_eq!(turn(&mut election, &[other("a")], 26_000), []);
    assert_eq!(turn(&mut election, &[other("a").claims(false, 0)], 35_999), []);
    assert_eq!(turn(&mut election, &[other("a")], 36_000), []);
    assert_eq!(turn(&mut election, &[other("a")], 45_999), []);
    assert_eq!(turn(&mut election, &[other("a")], 46_000), [Wish::Keep(Term(2)), Wish::Changed]);
    assert_eq!(election.holder(), Some(&claim("m", true, 2)));
    assert_eq!(holder(RuleSet::ALL.without(Rule::Solo), &[]).holder(), Some(&claim("m", true, 1)));
}

#[test]
fn a_claim_in_company_that_turns_out_to_be_gone_was_made_alone() {
    // cut off: the holder is missed first, the others within a beat or two
    let fresh = || holder(RuleSet::ALL, &[other("a")]);
    let mut election = fresh();
    assert_eq!(election.holder(), Some(&claim("m", true, 1)));
    let solo = claim("m", false, 1);
    assert_eq!(turn(&mut election, &[], 8000 + 11_999), [Wish::Changed]);
    assert_eq!(election.holder(), Some(&solo));
    assert_eq!(election.post().claim, Some(solo));
    // whoever has served its company for longer stays what it is
    let mut incumbent = fresh();
    assert_eq!(turn(&mut incumbent, &[], 8000 + 12_000), []);
    assert_eq!(incumbent.holder(), Some(&claim("m", true, 1)));
    let mut reckless = holder(RuleSet::ALL.without(Rule::Solo), &[other("a")]);
    assert_eq!(turn(&mut reckless, &[], 9000), []);
}

#[test]
fn a_holder_steps_down_for_a_greater_claim_and_for_no_other() {
    // ours is full and of term 1 and priority 50
    let table = [
        (other("a").claims(true, 2), true),
        (other("z").claims(true, 1), true),
        (other("a").ranked(51).claims(true, 1), true),
        (other("a").claims(true, 1), false),
        (other("z").ranked(49).claims(true, 1), false),
        (other("z").claims(false, 99), false),
    ];
    for (rival, expected) in table {
        let mut election = holder(RuleSet::ALL, &[other("a")]);
        let name = format!("{:?}", rival.post.claim);
        let wishes = turn(&mut election, std::slice::from_ref(&rival), 9000);
        let stepped: &[Wish] = &[Wish::Changed, Wish::Holder(Some(rival.node.clone()))];
        assert_eq!(wishes, if expected { stepped } else { &[] }, "{name}");
        assert_eq!(election.holds(), !expected, "{name}");
    }
    let mut stubborn = holder(RuleSet::ALL.without(Rule::StepDown), &[other("a")]);
    turn(&mut stubborn, &[other("a").claims(true, 2)], 9000);
    assert!(stubborn.holds());
}

#[test]
fn a_solo_claim_of_any_term_yields_to_a_full_one() {
    let mut laptop = Election::new(Role::Leader, id("m"), 50, Term(99), RuleSet::ALL, Steady(0));
    assert_eq!(turn(&mut laptop, &[], 8000), claimed(100));
    assert_eq!(
        turn(&mut laptop, &[other("a").claims(true, 1)], 9000),
        [Wish::Changed, Wish::Holder(Some(id("a")))]
    );
}

#[test]
fn after_sleep_a_node_forgets_its_claim_and_settles_anew() {
    let mut election = holder(RuleSet::ALL, &[other("a")]);
    assert_eq!(election.slept(Steady(500_000)), [Wish::Changed, Wish::Holder(None)]);
    assert_eq!((election.post().claim, election.due()), (None, Some(Steady(508_000))));
    assert_eq!(turn(&mut election, &[other("a")], 507_999), []);
    assert_eq!(turn(&mut election, &[other("a")], 508_000), claimed(2));
    let mut sleepless = holder(RuleSet::ALL.without(Rule::Sleep), &[other("a")]);
    assert_eq!(sleepless.slept(Steady(500_000)), []);
    assert!(sleepless.holds());
}

#[test]
fn a_holder_that_is_not_fit_asks_the_best_fit_one_and_holds_until_that_has_claimed() {
    let others = || [other("a").ranked(60).unfit(), other("b"), other("c"), other("d").ranked(0)];
    let mut election = holder(RuleSet::ALL, &others());
    assert_eq!(turn(&mut election, &others(), 9000), []);
    election.fit(Fitness::Unfit);
    assert_eq!(turn(&mut election, &others(), 9500), [Wish::Changed]);
    let post = election.post();
    assert_eq!((post.fit, post.claim, post.yields_to), (false, Some(claim("m", true, 1)), Some(id("c"))));
    let taken = [other("a").ranked(60).unfit(), other("b"), other("c").claims(true, 2)];
    assert_eq!(turn(&mut election, &taken, 9600), [Wish::Changed, Wish::Holder(Some(id("c")))]);
    assert_eq!((election.post().claim, election.post().yields_to), (None, None));
    let mut unmoved = holder(RuleSet::ALL.without(Rule::Fitness), &others());
    unmoved.fit(Fitness::Unfit);
    turn(&mut unmoved, &others(), 9500);
    assert_eq!(unmoved.post().yields_to, None);
}

#[test]
fn a_holder_that_is_not_fit_stays_when_nobody_is_and_when_it_is_fit_again() {
    let mut election = holder(RuleSet::ALL, &[other("a").unfit()]);
    election.fit(Fitness::Unfit);
    assert_eq!(turn(&mut election, &[other("a").unfit()], 9000), [Wish::Changed]);
    assert_eq!(election.post().yields_to, None);
    turn(&mut election, &[other("a")], 9100);
    assert_eq!(election.post().yields_to, Some(id("a")));
    election.fit(Fitness::Fit);
    assert_eq!(turn(&mut election, &[other("a")], 9200), [Wish::Changed]);
    assert_eq!((election.holds(), election.post().yields_to), (true, None));
}

#[test]
fn who_was_asked_and_does_not_take_over_for_ten_seconds_is_passed_over_once() {
    let others = [other("a"), other("b")];
    let mut election = holder(RuleSet::ALL, &others);
    election.fit(Fitness::Unfit);
    let asked = [9000, 18_999, 19_000, 28_999, 29_000].map(|ms| {
        turn(&mut election, &others, ms);
        election.post().yields_to.unwrap().to_string()
    });
    assert_eq!(asked, ["b", "b", "a", "a", "b"]);
}

#[test]
fn who_is_asked_claims_at_once_if_it_is_fit() {
    let incumbent = || other("z").claims(true, 5).yields("m");
    let mut election = node(RuleSet::ALL);
    assert_eq!(turn(&mut election, &[incumbent()], 7999), [Wish::Holder(Some(id("z")))]);
    assert_eq!(election.due(), Some(Steady(8000)));
    assert_eq!(turn(&mut election, &[incumbent()], 8000), claimed(6));
    assert_eq!(election.holder(), Some(&claim("m", true, 6)));
    let mut unfit = node(RuleSet::ALL);
    unfit.fit(Fitness::Unfit);
    turn(&mut unfit, &[incumbent()], 8000);
    assert!(!unfit.holds());
    let mut not_asked = node(RuleSet::ALL);
    turn(&mut not_asked, &[other("z").claims(true, 5).yields("a")], 8000);
    assert!(!not_asked.holds());
}

#[test]
fn the_incumbent_stays_for_an_equal_and_makes_way_for_a_higher_priority_after_two_minutes() {
    let mut election = holder(RuleSet::ALL, &[other("a")]);
    let joined = || [other("a"), other("h").ranked(60), other("z")];
    assert_eq!(turn(&mut election, &joined(), 100_000), []);
    assert_eq!(election.due(), Some(Steady(220_000)));
    assert_eq!(turn(&mut election, &joined(), 219_999), []);
    assert_eq!(turn(&mut election, &joined(), 220_000), [Wish::Changed]);
    assert_eq!((election.holds(), election.post().yields_to), (true, Some(id("h"))));
}

#[test]
fn the_incumbent_serves_for_a_minute_before_it_makes_way() {
    let mut election = node(RuleSet::ALL);
    let others = |term: Option<u64>| {
        [term.map_or(other("y"), |term| other("y").claims(true, term)), other("h").ranked(60).unfit()]
    };
    turn(&mut election, &others(Some(1)), 8000);
    let stable = |term: Option<u64>| {
        [term.map_or(other("y"), |term| other("y").claims(true, term)), other("h").ranked(60)]
    };
    turn(&mut election, &stable(Some(1)), 10_000);
    // its predecessor asks it to take over at 200 s, when the other has been stable for long
    turn(&mut election, &[other("y").claims(true, 1).unfit().yields("m"), other("h").ranked(60)], 200_000);
    assert!(election.holds());
    assert_eq!(turn(&mut election, &stable(None), 259_999), []);
    assert_eq!(turn(&mut election, &stable(None), 260_000), [Wish::Changed]);
    assert_eq!(election.post().yields_to, Some(id("h")));
}

#[test]
fn without_its_rule_who_ranks_higher_takes_over_at_once() {
    let mut hasty = node(RuleSet::ALL.without(Rule::Incumbent));
    turn(&mut hasty, &[other("z").claims(true, 5)], 8000);
    assert!(!hasty.holds());
    turn(&mut hasty, &[other("a").claims(true, 5)], 8001);
    assert!(hasty.holds());
}

#[test]
fn one_that_comes_and_goes_is_made_way_for_later_each_time() {
    let mut election = holder(RuleSet::ALL, &[other("a")]);
    let fit = || [other("h").ranked(60)];
    let unfit = || [other("h").ranked(60).unfit()];
    let mut now = 10_000;
    // it fails once a minute: the first time costs nothing, each further one doubles, to an hour at most
    let waits: Vec<u64> = (0..8)
        .map(|_| {
            turn(&mut election, &unfit(), now);
            turn(&mut election, &fit(), now + 1000);
            let wait = election.due().unwrap().0 - (now + 1000);
            now += 60_000;
            wait / 1000
        })
        .collect();
    assert_eq!(waits, [120, 120, 240, 480, 960, 1920, 3600, 3600]);
    // it has stayed for an hour: forgiven
    turn(&mut election, &fit(), now + 3_540_000);
    turn(&mut election, &[other("a")], now + 3_600_000);
    turn(&mut election, &fit(), now + 3_700_000);
    assert_eq!(election.due(), Some(Steady(now + 3_700_000 + 120_000)));
}

#[test]
fn a_node_that_leaves_hands_over_to_the_best_fit_one_and_claims_nothing_any_more() {
    let others = [other("a"), other("b").unfit()];
    let mut election = holder(RuleSet::ALL, &others);
    assert_eq!(election.leave(), [Wish::Changed]);
    let post = election.post();
    assert_eq!((post.fit, post.claim, post.yields_to), (false, Some(claim("m", true, 1)), Some(id("a"))));
    assert_eq!(election.leave(), []);
    assert_eq!(
        turn(&mut election, &[other("a").claims(true, 2)], 9000),
        [Wish::Changed, Wish::Holder(Some(id("a")))]
    );
    assert_eq!(turn(&mut election, &[], 99_000), [Wish::Holder(None)]);
    let mut rude = holder(RuleSet::ALL.without(Rule::Goodbye), &others);
    assert_eq!((rude.leave(), rude.post().yields_to), (vec![], None));
}

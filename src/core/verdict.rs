//! What all vantage points together say about one cycle: one witness a site, the majority decides.

use crate::status::Verdict;
use crate::vocabulary::{Outcome, Vote};
use std::collections::BTreeMap;

/// One vantage point's say in a cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Say<'a> {
    /// Its site, when it has the label: machines of one site are one witness. Else it stands for itself.
    pub site: Option<&'a str>,
    /// What its probe came to.
    pub outcome: Outcome,
}

/// What was decided about a cycle that somebody voted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// The verdict.
    pub verdict: Verdict,
    /// Results that failed.
    pub failed: u16,
    /// Results that voted.
    pub voting: u16,
    /// Witnesses (sites, and nodes without one) that failed.
    pub witnesses_failed: u16,
}

/// Decides a cycle: failed when more than half of the witnesses failed, partial when some result did,
/// else passed. None when nobody voted.
pub fn decide<'a>(says: impl Iterator<Item = Say<'a>>) -> Option<Decision> {
    let (mut failed, mut voting) = (0_u16, 0_u16);
    let (mut alone_failed, mut alone) = (0_u16, 0_u16);
    let mut sites: BTreeMap<&str, (u16, u16)> = BTreeMap::new();
    for say in says {
        let Some(vote) = say.outcome.vote() else { continue };
        let fails = u16::from(vote == Vote::Failed);
        voting = voting.saturating_add(1);
        failed = failed.saturating_add(fails);
        let (site_failed, site_voting) = match say.site {
            Some(site) => {
                let entry = sites.entry(site).or_default();
                (&mut entry.0, &mut entry.1)
            }
            None => (&mut alone_failed, &mut alone),
        };
        *site_failed = site_failed.saturating_add(fails);
        *site_voting = site_voting.saturating_add(1);
    }
    if voting == 0 {
        return None;
    }
    let majority = |failed: u16, of: u16| u32::from(failed) * 2 > u32::from(of);
    let sites_failed = sites.values().filter(|(failed, of)| majority(*failed, *of)).count();
    let witnesses_failed = alone_failed.saturating_add(u16::try_from(sites_failed).unwrap_or(u16::MAX));
    let witnesses = alone.saturating_add(u16::try_from(sites.len()).unwrap_or(u16::MAX));
    let verdict = if majority(witnesses_failed, witnesses) {
        Verdict::Failed
    } else if failed > 0 {
        Verdict::Partial
    } else {
        Verdict::Passed
    };
    Some(Decision { verdict, failed, voting, witnesses_failed })
}

/// The outcome that stands for a cycle: of the side that won, the most frequent, the worst of equals.
/// Where nobody voted: the most frequent of what there is.
pub fn standing(verdict: Option<Verdict>, outcomes: impl Iterator<Item = Outcome>) -> Option<Outcome> {
    let side = verdict.map(|v| match v {
        Verdict::Failed => Vote::Failed,
        Verdict::Passed | Verdict::Partial => Vote::Passed,
    });
    let mut counts = [0_u32; Outcome::ALL.len()];
    for outcome in outcomes {
        if outcome.vote() == side {
            counts[outcome as usize] += 1;
        }
    }
    Outcome::ALL
        .into_iter()
        .filter(|outcome| counts[*outcome as usize] > 0)
        .max_by_key(|outcome| (counts[*outcome as usize], gravity(*outcome)))
}

/// How bad an outcome is among those of its side.
fn gravity(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Failed => 3,
        Outcome::Unauthorized | Outcome::Maintenance | Outcome::Unmanaged => 2,
        Outcome::Mismatch | Outcome::Up | Outcome::NoNetwork => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Outcome::{Failed, Maintenance, Mismatch, NoNetwork, Unauthorized, Unmanaged, Up};

    fn verdict(outcomes: &[Outcome]) -> Option<Verdict> {
        decide(outcomes.iter().map(|o| Say { site: None, outcome: *o })).map(|d| d.verdict)
    }

    #[test]
    fn more_than_half_of_the_voting_results_must_fail() {
        assert_eq!(verdict(&[]), None);
        assert_eq!(verdict(&[NoNetwork, Unmanaged]), None);
        assert_eq!(verdict(&[Up]), Some(Verdict::Passed));
        assert_eq!(verdict(&[Failed]), Some(Verdict::Failed));
        assert_eq!(verdict(&[Failed, Up]), Some(Verdict::Partial));
        assert_eq!(verdict(&[Failed, Failed, Up]), Some(Verdict::Failed));
        assert_eq!(verdict(&[Failed, Up, Up]), Some(Verdict::Partial));
        assert_eq!(verdict(&[Unauthorized, Mismatch, Maintenance]), Some(Verdict::Failed));
    }

    #[test]
    fn a_blind_node_does_not_vote() {
        assert_eq!(verdict(&[NoNetwork, NoNetwork, Up]), Some(Verdict::Passed));
        assert_eq!(verdict(&[NoNetwork, NoNetwork, Failed]), Some(Verdict::Failed));
    }

    #[test]
    fn ten_machines_behind_one_uplink_are_one_witness() {
        let office = (0..10).map(|_| Say { site: Some("sydney"), outcome: Failed });
        let others = ["paris", "lima"].map(|site| Say { site: Some(site), outcome: Up });
        let decision = decide(office.chain(others)).unwrap();
        assert_eq!(
            decision,
            Decision { verdict: Verdict::Partial, failed: 10, voting: 12, witnesses_failed: 1 }
        );
    }

    #[test]
    fn a_node_without_a_site_is_a_witness_of_its_own() {
        let says = [
            Say { site: Some("sydney"), outcome: Up },
            Say { site: None, outcome: Failed },
            Say { site: None, outcome: Failed },
        ];
        assert_eq!(decide(says.into_iter()).map(|d| d.verdict), Some(Verdict::Failed));
    }

    #[test]
    fn the_most_frequent_outcome_of_the_winning_side_stands_for_the_cycle() {
        let of = |outcomes: &[Outcome]| standing(verdict(outcomes), outcomes.iter().copied());
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[Unmanaged, NoNetwork, NoNetwork]), Some(NoNetwork));
        assert_eq!(of(&[Failed, Mismatch, Mismatch]), Some(Mismatch));
        assert_eq!(of(&[Failed, Mismatch]), Some(Failed));
        assert_eq!(of(&[Failed, Up, Maintenance]), Some(Maintenance));
        assert_eq!(of(&[Up, Up, Maintenance]), Some(Up));
    }
}

//! The rules of status, as tables: a letter a cycle in, a level a cycle out.

use crate::common::{cycle, letter, level, live, moment, result, service, watch};
use p7_core::incident::Incident;
use p7_core::service::{Rules, Service};
use p7_core::status::{Freshness, ServiceStatus};
use p7_core::vocabulary::{Interval, Level, Millis, Outcome, ServiceId};
use p7_core::watch::{Effect, Event, Past, Watch};
use std::sync::Arc;

fn levels(rules: Rules, nodes: &[&str]) -> String {
    live(&mut watch(rules), nodes).0
}

fn status(watch: &Watch) -> Arc<ServiceStatus> {
    Arc::clone(watch.status(&ServiceId::new("shop").unwrap()).unwrap())
}

fn incidents(effects: &[Effect]) -> Vec<Incident> {
    let incident = |effect: &Effect| match effect {
        Effect::Incident(incident) => Some(incident.as_ref().clone()),
        Effect::Status(_) | Effect::NoIncident(_) => None,
    };
    effects.iter().filter_map(incident).collect()
}

#[test]
fn one_node_alone_has_the_rules_of_the_original() {
    for (cycles, expected) in [
        ("PPPP", "hhhh"),
        ("PFPP", "hwhh"),
        ("PFFP", "hwih"),
        ("FFFFFF", "wiiiid"),
        ("PFFFFFF", "hwiiiid"),
        ("FFFFFFP", "wiiiidh"),
        ("PFPF", "hwhi"),
        ("PFPPPPPF", "hwhhhhhw"),
        ("PFPPPPF", "hwhhhhi"),
        ("AAAAAA", "wiiiid"),
        ("XPXP", "whih"),
        ("MMFM", "hhwh"),
    ] {
        assert_eq!(levels(Rules::default(), &[cycles]), expected, "{cycles}");
    }
}

#[test]
fn a_second_failing_word_in_a_cycle_counts_and_a_second_passing_one_does_not() {
    let again = |node: &str, n: u64, outcome| {
        let mut later = result(node, n, outcome);
        later.at = later.at.plus(Millis::seconds(20));
        Event::Result(Arc::new(later))
    };
    let mut watch = watch(Rules::default());
    live(&mut watch, &["PP", "PP", "PP"]);
    // an outage begins after everybody's slot; two of three have looked again
    watch.hear(again("node0", 1, Outcome::Failed), moment(1));
    assert_eq!(level(&watch), Level::Partial);
    watch.hear(again("node2", 1, Outcome::Mismatch), moment(1));
    assert_eq!(level(&watch), Level::Incident);
    watch.hear(again("node2", 1, Outcome::Up), moment(1));
    assert_eq!(level(&watch), Level::Incident);
}

#[test]
fn a_cycle_that_has_begun_is_not_judged_by_its_first_word_alone() {
    // two of five see it fail all the time, and speak first in every cycle
    let mut watch = watch(Rules::default());
    let (levels, effects) = live(&mut watch, &["FFFFFF", "FFFFFF", "PPPPPP", "PPPPPP", "PPPPPP"]);
    assert_eq!(levels, "pppppp");
    // but in the first cycle of all, of which nobody knows what the others will say
    let later: Vec<Incident> =
        incidents(&effects).into_iter().filter(|incident| incident.id.first > cycle(0)).collect();
    assert_eq!(later, []);
    watch.hear(Event::Result(Arc::new(result("node0", 6, Outcome::Failed))), moment(6));
    watch.hear(Event::Result(Arc::new(result("node1", 6, Outcome::Failed))), moment(6));
    assert_eq!(level(&watch), Level::Partial);
}

#[test]
fn an_incident_does_not_end_by_the_first_word_of_a_cycle_alone() {
    let mut watch = watch(Rules::default());
    assert_eq!(live(&mut watch, &["PFFF", "PFFF", "PFFP"]).0, "hiii");
    watch.hear(Event::Result(Arc::new(result("node2", 4, Outcome::Up))), moment(4));
    assert_eq!(level(&watch), Level::Incident);
    watch.hear(Event::Result(Arc::new(result("node1", 4, Outcome::Up))), moment(4));
    assert_eq!(level(&watch), Level::Partial);
}

#[test]
fn a_word_stands_for_one_cycle_more_and_no_longer() {
    // node1 is gone after its second cycle
    assert_eq!(levels(Rules::default(), &["PPFF", "PP.."]), "hhpw");
    assert_eq!(levels(Rules::default(), &["PPPP", "FF.."]), "ppph");
}

#[test]
fn the_rules_are_settable() {
    let red3 = Rules { red: 3, ..Rules::default() };
    assert_eq!(levels(red3, &["PFFFP"]), "hwidh");
    let patient = Rules { recover_after: 2, ..Rules::default() };
    assert_eq!(levels(patient, &["FFPPP"]), "wiihh");
    assert_eq!(levels(patient, &["FFPFPP"]), "wiiiih");
    let hasty = Rules { orange: 1, ..Rules::default() };
    assert_eq!(levels(hasty, &["PF"]), "hi");
    let short = Rules { window: 2, red: 2, ..Rules::default() };
    assert_eq!(levels(short, &["PFFPF"]), "hwdhw");
}

#[test]
fn a_cycle_without_a_vote_changes_nothing() {
    assert_eq!(levels(Rules::default(), &["PNNF"]), "hhhw");
    assert_eq!(levels(Rules::default(), &["UUUU"]), "----");
    assert_eq!(levels(Rules::default(), &["FFNF"]), "wiii");
}

#[test]
fn fewer_than_three_known_cycles_freeze_the_level() {
    // two failures after a long gap do not open an incident, the third known cycle does
    assert_eq!(levels(Rules::default(), &["PPP......FFF"]), "hhhhhhhhhhhi");
    // and an open one is not ended by one good cycle after a gap
    assert_eq!(levels(Rules::default(), &["FFF......PPP"]), "wiiiiiiiiiih");
}

#[test]
fn a_gap_shows_as_stale_until_three_cycles_are_known() {
    let mut watch = watch(Rules::default());
    live(&mut watch, &["PPP"]);
    assert_eq!(status(&watch).freshness, Freshness::Fresh);
    watch.hear(Event::Tick, moment(12));
    let stale = status(&watch);
    assert_eq!((stale.freshness, stale.level), (Freshness::Stale, Level::Healthy));
    let known: Vec<bool> = stale.cycles.iter().map(|cycle| cycle.outcome.is_some()).collect();
    assert_eq!(known, [true, true, true, false, false, false, false, false, false, false, false]);
}

#[test]
fn two_vantage_points_confirm_at_once() {
    assert_eq!(levels(Rules::default(), &["PF", "PF", "PP"]), "hi");
    assert_eq!(levels(Rules::default(), &["PF", "PP", "PP"]), "hp");
}

#[test]
fn one_bad_vantage_point_of_three_never_opens_an_incident() {
    let (levels, effects) = live(&mut watch(Rules::default()), &["FFFFFFFFF", "PPPPPPPPP", "PPPPPPPPP"]);
    assert_eq!(levels, "ppppppppp");
    assert_eq!(incidents(&effects), []);
}

#[test]
fn a_majority_without_network_does_not_vote() {
    assert_eq!(levels(Rules::default(), &["NNNNNNN", "NNNNNNN", "PPPPPPP"]), "hhhhhhh");
}

#[test]
fn an_incident_begins_with_the_first_failed_cycle_and_ends_with_the_first_passed_one() {
    let (_, effects) = live(&mut watch(Rules::default()), &["PFFFP"]);
    let incidents = incidents(&effects);
    let summary: Vec<_> = incidents
        .iter()
        .map(|i| (i.id.first, i.opened, i.worst, i.recovered, i.began, i.ended.is_some()))
        .collect();
    let began = result("node0", 1, Outcome::Failed).at;
    assert_eq!(
        summary,
        [
            (cycle(1), cycle(2), Level::Incident, None, began, false),
            (cycle(1), cycle(2), Level::Incident, Some(cycle(4)), began, true),
        ]
    );
    assert_eq!(incidents[0].reason.as_deref(), Some("failed"));
}

#[test]
fn since_tells_the_first_failure_and_then_the_recovery() {
    let mut watch = watch(Rules::default());
    live(&mut watch, &["PPFF"]);
    assert_eq!(status(&watch).since, Some(result("node0", 2, Outcome::Failed).at));
    watch.hear(Event::Result(Arc::new(result("node0", 4, Outcome::Up))), moment(4));
    assert_eq!(status(&watch).since, Some(result("node0", 4, Outcome::Up).at));
}

#[test]
fn failtage_counts_the_votes_of_the_window_from_everywhere() {
    let failtage = |nodes: &[&str]| {
        let mut watch = watch(Rules::default());
        live(&mut watch, nodes);
        status(&watch).failtage.map(p7_core::status::Failtage::percent)
    };
    assert_eq!(failtage(&["PPPPPF"]), Some(16.7));
    assert_eq!(failtage(&["FFFPPPPPP"]), Some(0.0));
    assert_eq!(failtage(&["FPPPPP", "PPPPPN"]), Some(9.1));
    assert_eq!(failtage(&["NN"]), None);
}

#[test]
fn a_service_that_changes_at_every_cycle_flaps_until_it_calms_down() {
    let mut watch = watch(Rules::default());
    live(&mut watch, &["PFPFPFPFPFPFPFPFPFPFPF"]);
    assert!(status(&watch).flapping);
    for n in 22..45 {
        watch.hear(Event::Result(Arc::new(result("node0", n, Outcome::Up))), moment(n));
    }
    assert!(!status(&watch).flapping);
}

#[test]
fn a_removed_service_takes_its_open_incident_with_it() {
    let mut watch = watch(Rules::default());
    live(&mut watch, &["FF"]);
    let effects = watch.configure(&[], moment(3));
    assert_eq!(incidents(&effects).len(), 1);
    assert_eq!(incidents(&effects)[0].ended, Some(moment(3)));
}

#[test]
fn a_restart_shows_what_was_shown_before() {
    for history in
        ["PPPPPP", "PFFF", "FFPPP", "PPFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", "PFPFPFPF"]
    {
        let mut before = watch(Rules::default());
        let (_, effects) = live(&mut before, &[history]);
        let all: Vec<_> = history
            .chars()
            .enumerate()
            .map(|(n, l)| result("node0", n as u64, if l == 'P' { Outcome::Up } else { Outcome::Failed }))
            .collect();
        let recent = all[all.len().saturating_sub(p7_core::watch::KEPT_CYCLES)..].to_vec();
        let oldest = recent[0].cycle;
        let last_incident = incidents(&effects).into_iter().rfind(|i| i.id.first < oldest);
        let past = Past { results: recent, last_incident, first_seen: Some(all[0].at), ..Past::default() };
        let mut after = Watch::default();
        after.resume(&service(Rules::default()), past, moment(all.len() as u64 - 1));
        assert_eq!(status(&after), status(&before), "{history}");
        let next = Event::Result(Arc::new(result("node0", all.len() as u64, Outcome::Failed)));
        let at = moment(all.len() as u64);
        assert_eq!(after.hear(next.clone(), at), before.hear(next, at), "{history}");
    }
}

#[test]
fn what_is_known_is_heard_without_effect() {
    let mut watch = watch(Rules::default());
    live(&mut watch, &["PF"]);
    let again = Event::Result(Arc::new(result("node0", 1, Outcome::Failed)));
    assert_eq!(watch.hear(again, moment(1)), []);
    assert_eq!(letter(level(&watch)), 'w');
}

#[test]
fn a_late_result_can_show_that_there_never_was_an_incident() {
    let mut watch = watch(Rules::default());
    let (_, effects) = live(&mut watch, &["PFF"]);
    let opened = incidents(&effects)[0].id.clone();
    let late = |n| Event::Result(Arc::new(result("node1", n, Outcome::Up)));
    let mut effects = watch.hear(late(1), moment(2));
    effects.extend(watch.hear(late(2), moment(2)));
    assert!(effects.contains(&Effect::NoIncident(opened)), "{effects:?}");
    assert_eq!(level(&watch), Level::Partial);
}

#[test]
fn other_rules_weigh_later_results_only() {
    let mut watch = watch(Rules::default());
    live(&mut watch, &["PFFPPFF"]);
    let open = watch.open_incident(&ServiceId::new("shop").unwrap()).cloned().unwrap();
    let patient = service(Rules { orange: 6, ..Rules::default() });
    assert_eq!(watch.configure(&[patient], moment(6)), [], "what was an incident stays one");
    assert_eq!(watch.open_incident(&open.id.service), Some(&open));
    let effects = watch.hear(Event::Result(Arc::new(result("node0", 7, Outcome::Up))), moment(7));
    assert_eq!(incidents(&effects)[0].ended, Some(result("node0", 7, Outcome::Up).at));
}

#[test]
fn another_interval_withdraws_nothing() {
    let mut watch = watch(Rules::default());
    live(&mut watch, &["PFFPPFF"]);
    let quick = Service {
        interval: Interval::new(Millis::seconds(5)),
        timeout: Millis::seconds(2),
        ..service(Rules::default()).as_ref().clone()
    };
    assert_eq!(watch.configure(&[Arc::new(quick)], moment(6)), []);
    assert_eq!(level(&watch), Level::Incident);
}

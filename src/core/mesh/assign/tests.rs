//! What the assignment promises.

use super::*;
use crate::service::Rules;
use crate::vocabulary::{Interval, Millis};
use proptest::prelude::*;

const NOW: MeshTime = MeshTime(1_700_000_000_000);

fn after(seconds: u64) -> MeshTime {
    NOW.plus(Millis::seconds(seconds))
}

fn service(id: &str, vantage_points: VantagePoints, office: Option<&str>) -> Arc<Service> {
    Arc::new(Service {
        id: ServiceId::new(id).unwrap(),
        name: id.into(),
        environment: String::new(),
        kind: "tcp".into(),
        target: "h:1".into(),
        interval: Interval::new(Millis::seconds(60)),
        timeout: Millis::seconds(5),
        retries: 0,
        retry_delay: Millis::seconds(1),
        rules: Rules::default(),
        vantage_points,
        vantage_labels: office.map(|office| ("office".to_owned(), office.to_owned())).into_iter().collect(),
        description: None,
        runbook: None,
        link: None,
        labels: BTreeMap::new(),
        depends_on: Vec::new(),
        maintenance: Vec::new(),
    })
}

/// A node: its id, office and site.
#[derive(Debug, Clone, PartialEq)]
struct Desk {
    node: NodeId,
    labels: BTreeMap<String, String>,
    site: Option<String>,
}

fn desk(name: &str, office: &str, site: Option<&str>) -> Desk {
    let labels = [("office".to_owned(), office.to_owned())].into();
    Desk { node: NodeId::new(name).unwrap(), labels, site: site.map(str::to_owned) }
}

fn desks(names: &[&str]) -> Vec<Desk> {
    names.iter().map(|name| desk(name, "paris", None)).collect()
}

fn prospects(desks: &[Desk]) -> Vec<Prospect<'_>> {
    desks.iter().map(|d| Prospect { node: &d.node, labels: &d.labels, site: d.site.as_deref() }).collect()
}

fn who(service: &Service, desks: &[Desk]) -> Vec<String> {
    vantage_points(service, &prospects(desks)).into_iter().map(ToString::to_string).collect()
}

fn assigning(me: &str) -> Assignment {
    Assignment::new(NodeId::new(me).unwrap(), RuleSet::ALL)
}

fn seats(position: u16, of: u16) -> Arc<BTreeMap<ServiceId, Seat>> {
    Arc::new([(ServiceId::new("shop").unwrap(), Seat { position, of })].into())
}

#[test]
fn nobody_tests_where_nobody_may_and_who_is_alone_tests_all() {
    let shop = service("shop", VantagePoints::Count(3), None);
    assert_eq!(who(&shop, &[]), [""; 0]);
    assert_eq!(who(&shop, &desks(&["d"])), ["d"]);
    assert_eq!(who(&service("shop", VantagePoints::Count(0), None), &desks(&["d", "e"])).len(), 1);
}

#[test]
fn the_order_is_the_same_whoever_asks_and_another_for_another_service() {
    let nodes = desks(&["d", "e", "b", "c", "a"]);
    let mut turned = nodes.clone();
    turned.reverse();
    turned.push(nodes[0].clone());
    let shop = service("shop", VantagePoints::All, None);
    assert_eq!(who(&shop, &nodes), ["d", "b", "e", "c", "a"]);
    assert_eq!(who(&shop, &turned), who(&shop, &nodes));
    assert_eq!(who(&service("mail", VantagePoints::All, None), &nodes), ["e", "d", "b", "a", "c"]);
    assert_eq!(who(&service("shop", VantagePoints::Count(9), None), &nodes), who(&shop, &nodes));
}

#[test]
fn of_each_site_the_best_comes_before_the_second_best_of_any() {
    let one = |name| desk(name, "x", Some("one"));
    let nodes = [one("d"), one("b"), one("e"), desk("c", "x", Some("two")), desk("a", "x", None)];
    let count = |n| service("shop", VantagePoints::Count(n), None);
    assert_eq!(who(&count(2), &nodes), ["d", "c"]);
    assert_eq!(who(&count(3), &nodes), ["d", "c", "a"]);
    assert_eq!(who(&count(4), &nodes), ["d", "b", "c", "a"], "then it is filled up, in the order of all");
}

#[test]
fn only_nodes_with_the_labels_test_it_unless_nobody_has_them() {
    let nodes = [desk("d", "paris", None), desk("e", "rome", None), desk("b", "paris", None)];
    let wants = |office| service("shop", VantagePoints::All, Some(office));
    assert_eq!(who(&wants("paris"), &nodes), ["d", "b"]);
    assert_eq!(who(&wants("oslo"), &nodes), ["d", "b", "e"]);
}

#[test]
fn a_seat_that_goes_to_a_newcomer_is_kept_for_one_more_interval() {
    let shop = [service("shop", VantagePoints::Count(1), None)];
    let mut node = assigning("b");
    assert_eq!(node.turn(&shop, &prospects(&desks(&["b", "c"])), NOW), Some(seats(0, 1)));
    assert_eq!((node.turn(&shop, &prospects(&desks(&["b", "c"])), NOW), node.due()), (None, None));
    let all = desks(&["d", "b", "c"]);
    assert_eq!((node.turn(&shop, &prospects(&all), after(10)), node.due()), (None, Some(after(70))));
    assert_eq!(node.of(&shop[0].id), [NodeId::new("d").unwrap()]);
    assert_eq!((node.turn(&shop, &prospects(&all), after(69)), node.due()), (None, Some(after(70))));
    assert_eq!(node.turn(&shop, &prospects(&all), after(70)), Some(Arc::default()));
    assert_eq!((node.turn(&shop, &prospects(&all), after(71)), node.due()), (None, None));

    let mut hasty = Assignment::new(NodeId::new("b").unwrap(), RuleSet::ALL.without(Rule::Overlap));
    assert_eq!(hasty.turn(&shop, &prospects(&desks(&["b", "c"])), NOW), Some(seats(0, 1)));
    assert_eq!(hasty.turn(&shop, &prospects(&all), after(10)), Some(Arc::default()));
}

#[test]
fn a_node_that_vanished_is_replaced_at_once_and_keeps_its_seat_when_it_is_back_in_time() {
    let shop = [service("shop", VantagePoints::Count(1), None)];
    let all = desks(&["d", "b"]);
    let mut node = assigning("b");
    assert_eq!(node.turn(&shop, &prospects(&all), NOW), None);
    assert_eq!(node.turn(&shop, &prospects(&desks(&["b"])), after(1)), Some(seats(0, 1)));
    assert_eq!((node.turn(&shop, &prospects(&all), after(2)), node.due()), (None, Some(after(62))));
    assert_eq!((node.turn(&shop, &prospects(&desks(&["b"])), after(3)), node.due()), (None, None));
    assert_eq!(
        node.turn(&shop, &prospects(&desks(&["d"])), after(4)),
        Some(Arc::default()),
        "it may not itself"
    );
}

#[test]
fn when_the_first_goes_the_others_move_up_in_their_order() {
    let shop = [service("shop", VantagePoints::All, None)];
    let mut node = assigning("e");
    assert_eq!(node.turn(&shop, &prospects(&desks(&["d", "e", "b"])), NOW), Some(seats(2, 3)));
    assert_eq!(node.turn(&shop, &prospects(&desks(&["e", "b"])), after(1)), Some(seats(1, 2)));
    assert_eq!(node.turn(&[], &prospects(&desks(&["e", "b"])), after(2)), Some(Arc::default()));
    assert_eq!(node.of(&shop[0].id), []);
}

#[test]
fn a_clock_that_was_set_back_keeps_no_seat_for_long() {
    let shop = [service("shop", VantagePoints::Count(1), None)];
    let mut node = assigning("b");
    assert_eq!(node.turn(&shop, &prospects(&desks(&["b"])), after(86_400)), Some(seats(0, 1)));
    let both = desks(&["d", "b"]);
    assert_eq!((node.turn(&shop, &prospects(&both), after(86_400)), node.due()), (None, Some(after(86_460))));
    assert_eq!((node.turn(&shop, &prospects(&both), NOW), node.due()), (None, Some(after(60))));
}

#[test]
fn services_are_spread_evenly_over_the_nodes() {
    let nodes = desks(&["d", "e", "b", "c", "a", "f", "g", "h", "i", "j"]);
    let mut load: BTreeMap<String, u32> = BTreeMap::new();
    for n in 0..1000 {
        for node in who(&service(&format!("s{n}"), VantagePoints::Count(3), None), &nodes) {
            *load.entry(node).or_default() += 1;
        }
    }
    let (least, most) = (load.values().min().unwrap(), load.values().max().unwrap());
    assert!(*least > 250 && *most < 350, "of 3000 seats 300 each: {load:?}");
}

proptest! {
    #[test]
    fn when_a_node_comes_or_goes_only_what_it_tests_moves(
        names in prop::collection::btree_set("[a-z]{1,6}", 1..12),
        sites in prop::collection::vec(prop::option::of("[A-C]"), 12),
        which in any::<prop::sample::Index>(),
        count in 1..6_u16,
    ) {
        let all: Vec<Desk> = names.iter().zip(&sites).map(|(n, s)| desk(n, "x", s.as_deref())).collect();
        let mut without = all.clone();
        let gone = without.remove(which.index(all.len())).node.to_string();
        for id in ["shop", "mail", "wiki", "login"] {
            let every = service(id, VantagePoints::All, None);
            let mut rest = who(&every, &all);
            rest.retain(|name| *name != gone);
            prop_assert_eq!(&rest, &who(&every, &without), "the others keep their order");
            let some = service(id, VantagePoints::Count(count), None);
            let (before, after) = (who(&some, &all), who(&some, &without));
            if before.contains(&gone) {
                let kept = before.iter().filter(|name| after.contains(name)).count();
                prop_assert_eq!(kept, before.len() - 1, "one is replaced, and no other");
            } else {
                prop_assert_eq!(before, after);
            }
            let here: BTreeSet<_> = without.iter().map(|d| d.site.clone().unwrap_or(d.node.to_string())).collect();
            let chosen = without.iter().filter(|d| who(&some, &without).contains(&d.node.to_string()));
            let seen: BTreeSet<_> = chosen.map(|d| d.site.clone().unwrap_or(d.node.to_string())).collect();
            prop_assert_eq!(seen.len(), here.len().min(usize::from(count)), "as many sites as can be");
        }
    }
}

//! What is said to whom.

use super::*;
use crate::facts::Acknowledgement;
use crate::incident::IncidentId;
use crate::mesh::words::{Detail, Saying};
use crate::service::{Rules, VantagePoints};
use crate::status::SilenceNote;
use crate::vocabulary::{Cycle, Interval, NodeId};

const START: MeshTime = MeshTime(3_600_000);

fn id(name: &str) -> ServiceId {
    ServiceId::new(name).unwrap()
}

fn after(minutes: u64) -> MeshTime {
    START.plus(Millis(minutes * 60_000))
}

/// A service whose incident is open at this level, or over.
fn known(name: &str, level: Level) -> Known {
    let service = Service {
        id: id(name),
        name: name.into(),
        environment: "production".into(),
        kind: "http".into(),
        target: format!("https://{name}/"),
        interval: Interval::new(Millis(60_000)),
        timeout: Millis(1),
        retries: 0,
        retry_delay: Millis(1),
        rules: Rules::default(),
        vantage_points: VantagePoints::All,
        vantage_labels: BTreeMap::new(),
        description: None,
        runbook: None,
        link: None,
        labels: BTreeMap::from([("team".into(), "web".into())]),
        depends_on: Vec::new(),
        maintenance: Vec::new(),
    };
    let incident = IncidentId { service: id(name), first: Cycle::starting(START) };
    let mut status = ServiceStatus::pending(id(name));
    status.level = level;
    let fails = level >= Level::Incident;
    status.incident = fails.then(|| incident.clone());
    let incident = Incident {
        opened: incident.first,
        id: incident,
        began: START,
        worst: level.max(Level::Incident),
        recovered: None,
        ended: (!fails).then(|| after(5)),
        reason: None,
    };
    Known { service: Arc::new(service), status: Arc::new(status), incident: Some(Arc::new(incident)) }
}

fn picture(services: Vec<Known>, routes: Vec<Route>) -> Picture {
    Picture { services: services.into_iter().map(|one| (one.service.id.clone(), one)).collect(), routes }
}

fn said(name: &str, level: Level, word: Word) -> Notice {
    Notice {
        service: id(name),
        channel: "chat".into(),
        number: 1,
        node: NodeId::new("a").unwrap(),
        incident: Cycle::starting(START),
        level,
        saying: Saying::Sent,
        detail: Detail { word, ..Detail::default() },
    }
}

fn due(
    picture: &Picture,
    channel: &str,
    before: Option<&Notice>,
    now: MeshTime,
) -> Vec<(String, Level, Word)> {
    let due = picture.due(channel, |_| before, now);
    due.wanted.into_iter().map(|one| (one.service.to_string(), one.level, one.word)).collect()
}

fn route(channels: &[&str]) -> Route {
    Route { channels: channels.iter().map(ToString::to_string).collect(), ..Route::default() }
}

#[test]
fn without_routes_every_channel_is_told_everything() {
    let it = picture(vec![known("shop", Level::Incident), known("mail", Level::Healthy)], vec![]);
    assert_eq!(due(&it, "chat", None, after(1)), [("shop".into(), Level::Incident, Word::Level)]);
}

#[test]
fn routes_match_by_label_environment_and_level_and_the_default_takes_the_rest() {
    let mail = known("mail", Level::Incident);
    let mail = Known {
        service: Arc::new(Service { labels: BTreeMap::new(), ..mail.service.as_ref().clone() }),
        ..mail
    };
    let web = Route { labels: BTreeMap::from([("team".into(), "web".into())]), ..route(&["web"]) };
    let red = Route { level: Level::Down, ..web.clone() };
    let rest = Route { is_default: true, ..route(&["chat"]) };
    let it = picture(vec![known("shop", Level::Incident), mail], vec![web, rest.clone()]);
    assert_eq!(due(&it, "web", None, after(1)), [("shop".into(), Level::Incident, Word::Level)]);
    assert_eq!(due(&it, "chat", None, after(1)), [("mail".into(), Level::Incident, Word::Level)]);
    let it = picture(vec![known("shop", Level::Incident)], vec![red.clone(), rest.clone()]);
    assert_eq!((due(&it, "web", None, after(1)).len(), due(&it, "chat", None, after(1)).len()), (0, 0));
    let it = picture(vec![known("shop", Level::Down)], vec![red, rest]);
    assert_eq!(due(&it, "web", None, after(1)).len(), 1);
}

#[test]
fn what_a_service_needs_explains_its_outage() {
    let child = known("shop", Level::Incident);
    let child = Known {
        service: Arc::new(Service { depends_on: vec![id("db")], ..child.service.as_ref().clone() }),
        ..child
    };
    let it = picture(vec![child.clone(), known("db", Level::Incident)], vec![]);
    assert_eq!(due(&it, "chat", None, after(1)), [("db".into(), Level::Incident, Word::Level)]);
    assert_eq!(it.dependents(&id("db")), 1);
    let it = picture(vec![child, known("db", Level::Healthy)], vec![]);
    assert_eq!(due(&it, "chat", None, after(1)), [("shop".into(), Level::Incident, Word::Level)]);
}

#[test]
fn reminders_come_at_growing_distances_until_somebody_acknowledges() {
    let hourly = Route { remind_after: Some(Millis(3_600_000)), ..route(&["chat"]) };
    let mut it = picture(vec![known("shop", Level::Incident)], vec![hourly]);
    let told = said("shop", Level::Incident, Word::Level);
    let words: Vec<Word> =
        [59, 60, 179, 180, 420].map(|minutes| due(&it, "chat", Some(&told), after(minutes))[0].2).to_vec();
    let reminder = Word::Reminder;
    assert_eq!(words, [Word::Level, reminder(1), reminder(1), reminder(2), reminder(3)]);
    assert_eq!(due(&it, "chat", None, after(420))[0].2, Word::Level, "the first word comes first");
    assert_eq!(it.due("chat", |_| Some(&told), after(1)).next, Some(after(60)));
    let shop = it.services.get_mut(&id("shop")).unwrap();
    let mut status = shop.status.as_ref().clone();
    status.acknowledged = Some(Acknowledgement {
        incident: status.incident.clone().unwrap(),
        service: id("shop"),
        by: "ada".into(),
        at: after(1),
        reason: String::new(),
    });
    shop.status = Arc::new(status);
    assert_eq!(due(&it, "chat", Some(&told), after(420))[0].2, Word::Level);
}

#[test]
fn nobody_on_it_is_told_to_a_second_channel_after_a_while() {
    let up = Route { escalate_to: vec!["pager".into()], escalate_after: Millis(900_000), ..route(&["chat"]) };
    let it = picture(vec![known("shop", Level::Incident)], vec![up]);
    assert_eq!(due(&it, "pager", None, after(14)), []);
    assert_eq!(it.due("pager", |_| None, after(14)).next, Some(after(15)));
    assert_eq!(due(&it, "pager", None, after(15)).len(), 1);
    assert!(it.is_escalation(&it.services[&id("shop")].service, "pager"));
}

#[test]
fn a_silence_holds_outages_back_and_never_a_recovery() {
    let mut shop = known("shop", Level::Incident);
    let mut status = shop.status.as_ref().clone();
    status.silence = Some(SilenceNote { id: "x".into(), until: after(60), by: "ada".into() });
    shop.status = Arc::new(status);
    let it = picture(vec![shop], vec![]);
    assert_eq!(due(&it, "chat", None, after(1)), []);
    assert_eq!(it.due("chat", |_| None, after(1)).held, BTreeSet::from([id("shop")]));
    let it = picture(vec![known("shop", Level::Healthy)], vec![route(&["elsewhere"])]);
    let told = said("shop", Level::Incident, Word::Level);
    let well = [("shop".to_owned(), Level::Healthy, Word::Level)];
    assert_eq!(due(&it, "chat", Some(&told), after(6)), well, "to whoever was told, whatever the routes say");
}

#[test]
fn flapping_is_said_once_and_its_end_is_a_recovery() {
    let flapping = |level| {
        let mut one = known("shop", level);
        let mut status = one.status.as_ref().clone();
        status.flapping = true;
        one.status = Arc::new(status);
        picture(vec![one], vec![])
    };
    let told = said("shop", Level::Incident, Word::Flapping);
    let once = [("shop".to_owned(), Level::Incident, Word::Flapping)];
    assert_eq!(due(&flapping(Level::Down), "chat", None, after(1))[0].2, Word::Flapping);
    assert_eq!(due(&flapping(Level::Down), "chat", Some(&told), after(1)), once);
    assert_eq!(due(&flapping(Level::Healthy), "chat", Some(&told), after(6)), once);
    let over = picture(vec![known("shop", Level::Healthy)], vec![]);
    assert_eq!(due(&over, "chat", Some(&told), after(6)), [("shop".into(), Level::Healthy, Word::Level)]);
}

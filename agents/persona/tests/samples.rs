//! A small mesh to talk about.

use crate::picture::Picture;
use chrono_tz::Tz;
use p7_bus::{DeviceState, DeviceStatus};
use p7_core::facts::Acknowledgement;
use p7_core::incident::{Incident, IncidentId};
use p7_core::mesh::view::{Holding, Liveness, MemberView, MeshView};
use p7_core::mesh::words::{About, Claim, Role, Stamp, Term};
use p7_core::service::{Rules, Service, VantagePoints};
use p7_core::status::{Failtage, Freshness, ServiceStatus, SilenceNote, VantageStatus};
use p7_core::vocabulary::{
    Cycle, Interval, Level, MeshTime, Micros, Millis, NodeId, Outcome, ServiceId, Vote,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Tuesday 2026-11-24, 20:00 in Berlin.
pub(crate) const NOW: MeshTime = MeshTime(1_795_546_800_000);

pub(crate) fn id(text: &str) -> ServiceId {
    ServiceId::new(text).unwrap()
}

pub(crate) fn node(text: &str) -> NodeId {
    NodeId::new(text).unwrap()
}

pub(crate) fn service(name: &str, title: &str, environment: &str) -> Arc<Service> {
    Arc::new(Service {
        id: id(name),
        name: title.to_owned(),
        environment: environment.to_owned(),
        kind: "http".to_owned(),
        target: format!("https://{name}.example.org/"),
        interval: Interval::new(Millis::seconds(60)),
        timeout: Millis::seconds(10),
        retries: 0,
        retry_delay: Millis(0),
        rules: Rules::default(),
        vantage_points: VantagePoints::All,
        vantage_labels: BTreeMap::new(),
        description: None,
        runbook: (name == "shop").then(|| "https://wiki.example.org/shop".to_owned()),
        link: None,
        labels: BTreeMap::new(),
        depends_on: if name == "shop" { vec![id("database")] } else { Vec::new() },
        maintenance: Vec::new(),
    })
}

pub(crate) fn ago(minutes: u64) -> MeshTime {
    NOW.minus(Millis::seconds(minutes * 60))
}

pub(crate) fn status(name: &str, level: Level, minutes: u64, reason: &str) -> Arc<ServiceStatus> {
    let failing = level >= Level::Incident;
    let view = |name: &str, outcome: Outcome, reason: &str| VantageStatus {
        node: node(name),
        failtage: Failtage::of(u32::from(outcome != Outcome::Up), 1),
        outcome,
        vote: Some(if outcome == Outcome::Up { Vote::Passed } else { Vote::Failed }),
        cycle: Cycle::starting(ago(1)),
        at: ago(1),
        latency: Micros(37_000),
        reason: (!reason.is_empty()).then(|| reason.into()),
    };
    Arc::new(ServiceStatus {
        level,
        since: Some(ago(minutes)),
        freshness: Freshness::Fresh,
        failtage: Failtage::of(u32::from(failing), 2),
        reason: (!reason.is_empty()).then(|| reason.into()),
        vantage: vec![
            view("berlin1", if failing { Outcome::Failed } else { Outcome::Up }, reason),
            view("oslo1", Outcome::Up, ""),
        ],
        incident: failing.then(|| IncidentId { service: id(name), first: Cycle::starting(ago(minutes)) }),
        ..ServiceStatus::pending(id(name))
    })
}

fn member(name: &str, site: &str, liveness: Liveness) -> MemberView {
    MemberView {
        node: node(name),
        about: Some(About {
            name: name.trim_end_matches('1').to_owned(),
            labels: BTreeMap::from([("site".to_owned(), site.to_owned())]),
            version: "0.1.0".to_owned(),
            started: ago(600),
            addresses: Vec::new(),
            devices: Vec::new(),
            at: ago(600),
        }),
        devices: None,
        liveness,
        since: ago(600),
        heard: NOW,
        connected: true,
        offset_ms: None,
        round_trip: None,
        posts: Vec::new(),
        cut_off: false,
        configuration: Stamp::default(),
        links: 2,
        wire: 1,
        seats: 4,
    }
}

pub(crate) fn claim(name: &str, term: u64) -> Claim {
    Claim { full: true, term: Term(term), priority: 50, node: node(name) }
}

pub(crate) fn view(persona: &str) -> MeshView {
    MeshView {
        me: node("berlin1"),
        members: vec![
            member("berlin1", "berlin", Liveness::Alive),
            member("lima1", "lima", Liveness::Down),
            member("oslo1", "oslo", Liveness::Alive),
        ],
        holdings: vec![
            Holding { role: Role::Leader, claim: Some(claim("oslo1", 7)) },
            Holding { role: Role::Mailbox("ops".to_owned()), claim: Some(claim("berlin1", 2)) },
            Holding { role: Role::Persona, claim: Some(claim(persona, 3)) },
        ],
        configuration: Stamp::default(),
        correction_ms: 0,
    }
}

pub(crate) fn robot() -> DeviceStatus {
    DeviceStatus {
        name: "cozmo".to_owned(),
        kind: "cozmo",
        unit: String::new(),
        model: String::new(),
        state: DeviceState::Up,
        detail: None,
        since: ago(60),
        last_order: None,
    }
}

/// Six services: one down, one failing and acknowledged, one silenced, one with an ugly name.
pub(crate) fn picture() -> Picture {
    let mut picture = Picture {
        mesh: Some(Arc::new(view("berlin1"))),
        devices: Arc::new(vec![robot()]),
        name: "Example mesh".to_owned(),
        node: "berlin".to_owned(),
        version: "0.1.0".to_owned(),
        dashboard: Some("https://p7.example.org/".to_owned()),
        zone: Tz::Europe__Berlin,
        ..Picture::default()
    };
    picture.configured(&[
        service("database", "Database", "production"),
        service("evil", "<!channel> `rm` & *co*", "staging"),
        service("mail", "Mail", "production"),
        service("shop", "Shop", "production"),
        service("shop-staging", "Shop", "staging"),
        service("wiki", "Team wiki", ""),
    ]);
    let mut acknowledged = status("database", Level::Incident, 12, "connection refused").as_ref().clone();
    acknowledged.acknowledged = acknowledged.incident.clone().map(|incident| Acknowledgement {
        incident,
        service: id("database"),
        by: "Grace".to_owned(),
        at: ago(2),
        reason: "disk full, cleaning up".to_owned(),
    });
    let mut silenced = status("wiki", Level::Healthy, 6000, "").as_ref().clone();
    let until = NOW.plus(Millis::seconds(3600));
    silenced.silence = Some(SilenceNote { id: "x-1".to_owned(), until, by: "Ada".to_owned() });
    for status in [
        Arc::new(acknowledged),
        status("evil", Level::Warning, 1, "<script>alert(1)</script> `x` <@U0001> <!here>"),
        status("mail", Level::Healthy, 6000, ""),
        status("shop", Level::Down, 14, "status 502"),
        Arc::new(silenced),
    ] {
        picture.heard(&status);
    }
    picture.incident(&Arc::new(Incident {
        id: IncidentId { service: id("mail"), first: Cycle::starting(ago(300)) },
        began: ago(300),
        opened: Cycle::starting(ago(299)),
        worst: Level::Down,
        recovered: Some(Cycle::starting(ago(280))),
        ended: Some(ago(280)),
        reason: None,
    }));
    picture
}

//! What the tests of the wire format send: one of everything.

use p7_core::facts::{Acknowledgement, Deployment, DeploymentState, Hold, HoldKind, Scope};
use p7_core::incident::IncidentId;
use p7_core::mesh::devices::{DeviceState, DeviceTold, DevicesTold};
use p7_core::mesh::words::{
    About, Batch, Beat, Boot, Chapter, Claim, Configuration, Detail, Fact, FiguresOf, Have, Notice, Post,
    Role, RollupCursor, Saying, Sequence, Stamp, Suspicion, Term,
};
use p7_core::result::{Phases, ProbeResult};
use p7_core::rollup::{Resolution, RollupRow};
use p7_core::vocabulary::{Cycle, Level, MeshTime, Micros, NodeId, Outcome, ServiceId};
use p7_mesh::Keypair;
use p7_mesh::mesh_id::MeshId;
use p7_mesh::peer::node_of;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) fn mesh() -> MeshId {
    MeshId::of("office")
}

pub(crate) fn keypair(seed: u8) -> Keypair {
    Keypair::ed25519_from_bytes([seed; 32]).unwrap()
}

pub(crate) fn node(seed: u8) -> NodeId {
    node_of(&keypair(seed).public().to_peer_id()).unwrap()
}

pub(crate) fn service(id: &str) -> ServiceId {
    ServiceId::new(id).unwrap()
}

pub(crate) fn beat() -> Beat {
    let claim = Claim { full: true, term: Term(12), priority: 50, node: node(1) };
    let leader = Post {
        role: Role::Leader,
        fit: true,
        highest: Term(12),
        claim: Some(claim),
        yields_to: Some(node(2)),
    };
    let mailbox = Post {
        role: Role::Mailbox("alerts".to_owned()),
        fit: false,
        highest: Term(0),
        claim: None,
        yields_to: None,
    };
    Beat {
        node: node(1),
        boot: Boot(7),
        number: 43_200,
        wall: MeshTime(1_764_000_000_123),
        priority: 50,
        posts: vec![leader, mailbox],
        links: 9,
        digest: 0xfeed_beef_0123_4567,
        configuration: Stamp { version: 3, hash: 0x1122_3344_5566_7788 },
        cut_off: true,
        goodbye: false,
        wire: 2,
    }
}

pub(crate) fn suspicion() -> Suspicion {
    Suspicion { author: node(1), boot: Boot(7), service: service("shop"), began: MeshTime(1_764_000_000_123) }
}

pub(crate) fn up(id: &str) -> ProbeResult {
    ProbeResult {
        service: service(id),
        cycle: Cycle::starting(MeshTime(1_764_000_000_000)),
        node: node(1),
        at: MeshTime(1_764_000_012_345),
        outcome: Outcome::Up,
        latency: Micros(48_210),
        phases: Phases {
            resolve: Micros(812),
            connect: Micros(9_240),
            tls: Micros(14_100),
            processing: Micros(23_333),
            transfer: Micros(610),
        },
        attempts: 1,
        reason: None,
        status_code: Some(200),
        certificate_expiry: Some(MeshTime(1_770_000_000_000)),
    }
}

pub(crate) fn failed(id: &str) -> ProbeResult {
    ProbeResult {
        outcome: Outcome::Failed,
        phases: Phases::default(),
        attempts: 3,
        reason: Some("no answer within 10 s".into()),
        status_code: None,
        certificate_expiry: Some(MeshTime(1_770_000_000_001)),
        ..up(id)
    }
}

pub(crate) fn batch(chapter: Chapter, facts: Vec<Fact>) -> Batch {
    Batch {
        sequence: Sequence { author: node(1), boot: Boot(7), chapter },
        number: 99,
        at: MeshTime(1_764_000_012_400),
        facts,
        sealed: Arc::from([]),
    }
}

pub(crate) fn results() -> Batch {
    let tcp = ProbeResult {
        phases: Phases { connect: Micros(1_200), ..Phases::default() },
        latency: Micros(1_205),
        status_code: None,
        certificate_expiry: None,
        ..up("mail")
    };
    let tested = [up("shop"), failed("shop-api"), up("shop"), tcp];
    batch(Chapter::Results, tested.into_iter().map(|result| Fact::Result(Arc::new(result))).collect())
}

pub(crate) fn configured(text: &str) -> Fact {
    Fact::Configured(Arc::new(Configuration {
        stamp: Stamp { version: 4, hash: 77 },
        by: "anna".to_owned(),
        at: MeshTime(1_764_000_000_000),
        text: text.into(),
    }))
}

pub(crate) fn statements() -> Batch {
    let at = MeshTime(1_764_000_000_001);
    let first = Cycle::starting(MeshTime(1_763_999_940_000));
    let acknowledged = Acknowledgement {
        incident: IncidentId { service: service("shop"), first },
        service: service("shop"),
        by: "anna".to_owned(),
        at,
        reason: "looking, für alle".to_owned(),
    };
    let held = Hold {
        id: "h-1".to_owned(),
        kind: HoldKind::Maintenance,
        scope: Scope::Environment("production".to_owned()),
        starts: at,
        ends: MeshTime(1_764_000_600_000),
        by: "ben".to_owned(),
        reason: String::new(),
        stated: at,
    };
    let deployed = Deployment {
        service: service("shop"),
        name: "2.1".to_owned(),
        by: "ci".to_owned(),
        state: DeploymentState::Succeeded,
        at,
        link: Some("https://ci.example/1".to_owned()),
    };
    let about = About {
        name: "desk-3".to_owned(),
        labels: BTreeMap::from([("site".to_owned(), "berlin".to_owned())]),
        version: "0.1.0".to_owned(),
        started: at,
        addresses: vec!["/ip4/192.0.2.3/tcp/7008".to_owned()],
        devices: vec!["blinkstick:BS1".to_owned()],
        at,
    };
    let noticed = Notice {
        service: service("shop"),
        channel: "slack".to_owned(),
        number: 5,
        node: node(1),
        incident: first,
        level: Level::Incident,
        saying: Saying::Sent,
        detail: Detail::default(),
    };
    let facts = vec![
        Fact::Acknowledged(acknowledged),
        Fact::Held(held),
        Fact::Deployed(deployed),
        Fact::About(about),
        configured(
            "[services.shop]\nurl = \"https://shop.example\"\n[services.shop-2]\nurl = \"https://shop.example/2\"\n",
        ),
        Fact::Noticed(noticed),
    ];
    batch(Chapter::Statements, facts)
}

pub(crate) fn devices() -> Fact {
    let told = DeviceTold {
        name: "shelf".to_owned(),
        kind: "cozmo".to_owned(),
        unit: "0a1b2c3d".to_owned(),
        model: "firmware 2457".to_owned(),
        state: DeviceState::Up,
        detail: Some("battery 4.10 V; charging".to_owned()),
        since: MeshTime(1_764_000_000_000),
        last_order: Some(("say Grüße".to_owned(), MeshTime(1_764_000_012_000))),
    };
    let bare = DeviceTold {
        name: "desk".to_owned(),
        kind: "blinkstick".to_owned(),
        unit: String::new(),
        model: String::new(),
        state: DeviceState::Missing,
        detail: None,
        last_order: None,
        ..told.clone()
    };
    Fact::Devices(Arc::new(DevicesTold { devices: vec![bare, told], at: MeshTime(1_764_000_012_345) }))
}

pub(crate) fn have() -> Vec<Have> {
    let sequence = |seed, chapter| Sequence { author: node(seed), boot: Boot(2), chapter };
    vec![
        Have {
            sequence: sequence(1, Chapter::Results),
            floor: 10,
            upto: 90,
            above: vec![(92, 92), (95, 300)],
        },
        Have { sequence: sequence(1, Chapter::Statements), floor: 1, upto: 4, above: vec![] },
        Have { sequence: sequence(2, Chapter::Results), floor: 0, upto: 0, above: vec![] },
    ]
}

pub(crate) fn figures_of() -> FiguresOf {
    FiguresOf {
        resolution: Resolution::Hour,
        from: MeshTime(1_763_942_400_000),
        to: MeshTime(1_764_028_800_000),
        after: Some(RollupCursor(vec![104, 0, 0, 0, 9])),
    }
}

pub(crate) fn figures() -> Vec<RollupRow> {
    let row = |id, seed, hour: u64| RollupRow {
        service: service(id),
        node: node(seed),
        start: MeshTime(1_763_942_400_000 + hour * 3_600_000),
        resolution: Resolution::Hour,
        counts: [0, 0, 1, 0, 59, 0, 0],
        sketch: vec![1, 2, 3],
    };
    vec![row("shop", 1, 0), row("shop", 2, 0), row("mail", 1, 1)]
}

//! What nodes tell of their devices: the latest word counts, for those who come later, too.

use super::*;
use crate::mesh::devices::{DeviceState, DeviceTold};

fn told(state: DeviceState, at: u64) -> Fact {
    let device = DeviceTold {
        name: "desk".to_owned(),
        kind: "blinkstick".to_owned(),
        unit: String::new(),
        model: String::new(),
        state,
        detail: None,
        since: MeshTime(BEGIN),
        last_order: None,
    };
    Fact::Devices(Arc::new(DevicesTold { devices: vec![device], at: MeshTime(BEGIN + at) }))
}

/// How the desk of `a` is, as `node` knows it.
fn desk(net: &Net, node: &str) -> Option<DeviceState> {
    let view = net.nodes[&id(node)].machine.view(net.now());
    let member = view.members.iter().find(|member| member.node == id("a"))?;
    Some(member.devices.as_ref()?.devices.first()?.state)
}

#[test]
fn everybody_knows_how_the_devices_of_another_are_and_an_older_word_changes_nothing() {
    let mut net = Net::of(&["a", "b", "c"]);
    net.pass(3_000);
    assert_eq!(desk(&net, "b"), None);
    net.tell(&id("a"), Event::Stated(vec![told(DeviceState::Up, 3_000)]));
    net.pass(1_000);
    assert_eq!([desk(&net, "a"), desk(&net, "b"), desk(&net, "c")], [Some(DeviceState::Up); 3]);
    net.tell(&id("a"), Event::Stated(vec![told(DeviceState::Missing, 5_000)]));
    net.tell(&id("a"), Event::Stated(vec![told(DeviceState::Trouble, 4_000)]));
    net.pass(1_000);
    assert_eq!([desk(&net, "b"), desk(&net, "c")], [Some(DeviceState::Missing); 2]);
}

#[test]
fn a_node_that_comes_later_hears_of_devices_however_much_was_stated_since() {
    let mut net = Net::of(&["a", "b"]);
    net.tell(&id("a"), Event::Stated(vec![told(DeviceState::Denied, 0)]));
    for _ in 0..100 {
        net.tell(&id("a"), Event::Stated(vec![result("a", 0, Outcome::Up), deployed()]));
        net.pass(1_000);
    }
    net.start("c", 1);
    net.pass(5_000);
    assert_eq!(desk(&net, "c"), Some(DeviceState::Denied));
    let log = &net.nodes[&id("a")].log;
    let times = log.values().flat_map(|batch| &batch.facts).filter(|fact| matches!(fact, Fact::Devices(_)));
    assert!((6..=8).contains(&times.count()), "said again every sixteen statements");
}

fn deployed() -> Fact {
    Fact::Deployed(Deployment {
        service: ServiceId::new("shop").unwrap(),
        name: "2.1".to_owned(),
        by: "ci".to_owned(),
        state: DeploymentState::Running,
        at: MeshTime(BEGIN),
        link: None,
    })
}

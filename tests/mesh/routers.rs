//! Offices behind routers that let everybody out and nobody in.

use crate::partitions::flows_through_the_hub;
use crate::watching;
use p7_tests::offices::in_a_world;
use p7_tests::seen;

#[test]
fn two_offices_behind_masquerading_routers_are_one_mesh_through_a_node_that_both_reach() {
    in_a_world(|world| {
        let internet = world.internet();
        let hub = world.office("hub");
        internet.plug(&hub);
        let site = world.site();
        hub.write_mesh(&watching(&site));
        let mut nodes = vec![hub];
        for (router, names) in [("north", ["oslo", "malmo"]), ("south", ["lima", "quito"])] {
            let Some(router) = world.router(router, &internet) else {
                println!("skipped: this system can't masquerade; `scripts/setup test` brings nft");
                return;
            };
            for name in names {
                let node = world.office_behind(&router, name);
                // those of one office find each other by multicast, as they would
                node.write_node(&world.mesh(&internet.bootstrap()).replace("mdns = false", "mdns = true"));
                nodes.push(node);
            }
        }
        seen::start(&mut nodes);
        flows_through_the_hub(&nodes, &site, ("oslo", "lima"));
    });
}

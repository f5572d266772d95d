//! A full disk and a cut cable: what a node does at the end of its means.

use crate::{SOON, service};
use p7_tests::apart::{Own, apart, run};
use p7_tests::eventually;
use p7_tests::node::Node;
use p7_tests::site::Site;
use std::fs::{self, File};
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Room for an empty database and little more, in MiB.
const SMALL_DISK_MIB: u32 = 48;
/// What a full disk has left: enough to open the database and to store for some seconds.
const LEFT_FREE: u64 = 1024 * 1024;

/// Enough services to fill what is left of a disk within seconds.
fn busy(site: &Site) -> String {
    let mut mesh =
        "[defaults]\ninterval = \"200ms\"\ntimeout = \"150ms\"\n".to_owned() + &service("shop", &site.url());
    for n in 0..100 {
        mesh.push_str(&service(&format!("s{n}"), &site.url()));
    }
    mesh
}

#[test]
fn on_a_full_disk_a_node_keeps_probing_and_serving_says_so_and_recovers() {
    apart(Own::Mounts, || {
        let site = Site::start();
        let folder = tempfile::TempDir::new().unwrap();
        run(&format!("mount -t tmpfs -o size={SMALL_DISK_MIB}m tmpfs {}", folder.path().display()));
        let mut node = Node::new(&busy(&site)).with_data(&folder.path().join("data"));
        node.run();
        node.until_level("shop", "healthy", SOON);
        node.terminate();

        // filled while it is stopped, since a running store has the place of its next log reserved
        let filler = folder.path().join("filler");
        let mut file = File::create(&filler).unwrap();
        let mut written = 0;
        while file.write_all(&[0; 4096]).is_ok() {
            written += 4096;
        }
        file.set_len(written - LEFT_FREE).unwrap();
        drop(file);
        node.run();
        let trouble = eventually("the node says that its disk is full", Duration::from_secs(60), || {
            let mesh = node.json("/api/v1/mesh");
            mesh["nodes"][0]["store"]["trouble"].as_str().map(str::to_owned)
        });
        assert!(trouble.to_lowercase().contains("space") || trouble.contains("full"), "{trouble}");
        assert!(node.get("/").text().contains("store"), "the page says so");
        let asked = site.requests();
        eventually("the shop is still tested", SOON, || (site.requests() > asked + 5).then_some(()));
        assert_eq!(node.service("shop")["outcome"], "up");
        assert_eq!(node.get("/healthz").status, 200);

        fs::remove_file(filler).unwrap();
        eventually("the store works again", Duration::from_secs(60), || {
            node.json("/api/v1/mesh")["nodes"][0]["store"]["trouble"].is_null().then_some(())
        });
        node.terminate();
        node.run();
        node.until_level("shop", "healthy", SOON);
    });
}

/// A process that only holds a network namespace open.
struct Elsewhere(Child);

impl Drop for Elsewhere {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// This namespace and another, joined by a cable: we are 10.77.0.2, the other end is 10.77.0.1.
fn cable() -> Elsewhere {
    // what it shows belongs to the network namespace it was mounted in
    run("mount -t sysfs sysfs /sys");
    run("ip link set lo up");
    let other = Command::new("unshare").args(["--net", "sleep", "300"]).stdin(Stdio::null()).spawn().unwrap();
    let other = Elsewhere(other);
    let id = other.0.id();
    let here = fs::read_link("/proc/self/ns/net").unwrap();
    eventually("the other namespace is there", SOON, || {
        (fs::read_link(format!("/proc/{id}/ns/net")).ok()? != here).then_some(())
    });
    run("ip link add cable type veth peer name far");
    run(&format!("ip link set far netns {id}"));
    run("ip address add 10.77.0.2/24 dev cable");
    run("ip link set cable up");
    run(&format!("nsenter --net --target {id} ip address add 10.77.0.1/24 dev far"));
    run(&format!("nsenter --net --target {id} ip link set far up"));
    run("ip route add default via 10.77.0.1");
    other
}

/// A server in the other namespace.
fn serve(other: &Elsewhere) -> Elsewhere {
    let server = Command::new("nsenter")
        .args([
            "--net",
            "--target",
            &other.0.id().to_string(),
            env!("CARGO_BIN_EXE_bench-target"),
            "10.77.0.1:8000",
        ])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    Elsewhere(server)
}

#[test]
fn a_machine_whose_cable_is_cut_accuses_nobody() {
    apart(Own::Network, || {
        let other = cable();
        let _server = serve(&other);
        let mesh = "[defaults]\ninterval = \"1s\"\ntimeout = \"800ms\"\n".to_owned()
            + &service("far", "http://10.77.0.1:8000/ok")
            + &service("farther", "http://10.77.0.1:8000/also");
        let node = Node::start(&mesh);
        for id in ["far", "farther"] {
            node.until_level(id, "healthy", SOON);
        }
        let far = format!("nsenter --net --target {} ip link set far", other.0.id());
        run(&format!("{far} down"));
        for id in ["far", "farther"] {
            eventually("the probes say no_network", SOON, || {
                (node.service(id)["outcome"] == "no_network").then_some(())
            });
        }
        let network = node.json("/api/v1/mesh")["nodes"][0]["network"].clone();
        assert!(network["cut_off"].is_string(), "{network}");
        assert!(node.get("/").text().contains("network"), "the page says so");

        run(&format!("{far} up"));
        for id in ["far", "farther"] {
            eventually("the probes are well again", SOON, || {
                (node.service(id)["outcome"] == "up").then_some(())
            });
            let told = node.service(id);
            assert_eq!(told["failtage_percent"], 0.0, "nothing of it counts: {told}");
        }
        assert_eq!(node.json("/api/v1/incidents")["items"].as_array().unwrap().len(), 0);
    });
}

#[test]
fn a_service_that_is_gone_while_the_network_is_well_has_failed() {
    apart(Own::Network, || {
        let other = cable();
        let server = serve(&other);
        let mesh = "[defaults]\ninterval = \"1s\"\ntimeout = \"800ms\"\n".to_owned()
            + &service("far", "http://10.77.0.1:8000/ok");
        let node = Node::start(&mesh);
        node.until_level("far", "healthy", SOON);
        drop(server);
        let told = node.until_level("far", "incident", SOON);
        assert_eq!(told["outcome"], "failed");
    });
}

//! The sample configuration and what `p7 init` writes are without fault.

use super::{folder, loaded};
use crate::config::init::{MESH_TEMPLATE, NODE_TEMPLATE};
use crate::config::{check, init, load};
use p7_settings::Style;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../mesh-config");

/// A template with every commented key and table uncommented; prose has a space after its `#`.
pub(super) fn uncommented(template: &str) -> String {
    let lines = template.lines().map(|line| match line.strip_prefix('#') {
        Some(key) if key.starts_with(|c: char| c.is_ascii_lowercase() || c == '[') => key,
        _ => line,
    });
    lines.fold(String::new(), |text, line| text + line + "\n")
}

#[test]
fn the_sample_is_without_fault_and_works_offline() {
    let config = load(Path::new(SAMPLE), &BTreeMap::new()).unwrap();
    assert_eq!((config.warnings.len(), config.missing_secrets.len()), (0, 0));
    assert_eq!(config.services.len(), 10);
    for watched in &config.services {
        assert!(watched.service.target.contains("127.0.0.1:700"), "{}", watched.service.target);
    }
    assert_eq!(config.node.demo.listen, Some("127.0.0.1:7008".parse().unwrap()));
}

#[test]
fn the_sample_shows_the_originals_five_public_services() {
    let text = uncommented(&fs::read_to_string(Path::new(SAMPLE).join("mesh.toml")).unwrap());
    let config = loaded("", &text).unwrap();
    let public: Vec<&str> = config
        .services
        .iter()
        .filter(|watched| watched.service.environment == "public")
        .map(|watched| watched.service.id.as_str())
        .collect();
    assert_eq!(public, ["apple", "facebook", "google", "roland-radio", "trello"]);
}

#[test]
fn what_init_writes_is_without_fault_as_it_is_and_with_every_key_set() {
    let as_it_is = loaded(NODE_TEMPLATE, MESH_TEMPLATE).unwrap();
    assert_eq!(as_it_is.services.len(), 0);
    let all = loaded(&uncommented(NODE_TEMPLATE), &uncommented(MESH_TEMPLATE));
    let all = all.unwrap_or_else(|refused| panic!("{:#?}", refused.faults));
    assert_eq!(all.services.len(), 4);
}

#[test]
fn what_init_shows_as_default_is_the_default() {
    let defaults = loaded("", "").unwrap();
    let shown = uncommented(NODE_TEMPLATE);
    // these have no default that could be written, and show an example
    let examples = [
        "name",
        "site",
        "key",
        "bootstrap",
        "advertise",
        "allow",
        "wire_version",
        "admin_token",
        "hosts",
        "dashboards",
        "keep_days",
        "night",
        "quiet_hours",
        "services",
        "environments",
        "labels",
        "programs",
    ];
    let kept = shown.lines().filter(|line| {
        let key = line.split(" = ").next().unwrap_or_default();
        !examples.contains(&key) && *line != "listen = \"127.0.0.1:7008\""
    });
    let mut shown = loaded(&kept.collect::<Vec<_>>().join("\n"), "").unwrap().node;
    // by default there is no device; one that is shown has its kind's defaults
    let devices = std::mem::take(&mut shown.devices).devices;
    assert_eq!(devices["desk"].blinkstick, Some(p7_devices::blinkstick::Config::default()));
    assert_eq!(devices["shelf"].cozmo, Some(p7_devices::cozmo::Config::default()));
    assert_eq!(shown.node.data_dir.take().as_deref(), Some(Path::new("data")));
    assert_eq!(shown, defaults.node);
    let one = "[services.a.tcp]\naddress = \"h:1\"\n";
    let mesh = uncommented(MESH_TEMPLATE);
    let defaults: Vec<&str> = mesh.lines().take_while(|line| !line.starts_with("[connectivity]")).collect();
    let shown = loaded("", &(defaults.join("\n") + "\n" + one)).unwrap();
    assert_eq!(shown.services[0].service, loaded("", one).unwrap().services[0].service);
}

#[test]
fn init_makes_the_folder_and_overwrites_nothing() {
    let folder = folder("", "# mine\n");
    let inner = folder.path().join("a/b");
    let said = init(&inner).unwrap();
    assert!(said.contains("p7 check") && said.contains("p7 run --config"), "{said}");
    assert_eq!(check(&inner, &BTreeMap::new(), Style::Plain).exit_code, 0);
    assert_eq!(fs::read_to_string(inner.join("mesh.toml")).unwrap(), MESH_TEMPLATE);
    let said = init(folder.path()).unwrap();
    assert!(said.contains("mesh.toml is there already and stays as it is"), "{said}");
    assert_eq!(fs::read_to_string(folder.path().join("mesh.toml")).unwrap(), "# mine\n");
}

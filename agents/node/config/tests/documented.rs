//! Every key is in the reference and in what `p7 init` writes, and no other is.

use crate::config::NodeConfig;
use crate::config::init::{MESH_TEMPLATE, NODE_TEMPLATE};
use crate::config::mesh::MeshConfig;
use crate::config::speaking::RouteTable;
use crate::config::table::ServiceTable;
use p7_deployments::SourceConfig;
use p7_devices::DeviceConfig;
use p7_mailbox::MailboxConfig;
use p7_prober::ProbeConfig;
use p7_prober::kinds::NAMES;
use p7_settings::{all_keys_by, all_keys_of};
use std::collections::BTreeSet;

const REFERENCE: &str = include_str!("../../../../docs/configuration.md");

/// Every key of both files as the code knows it, such as `mesh.toml services.ID.http.url`.
fn known() -> BTreeSet<String> {
    let mut keys: BTreeSet<String> = BTreeSet::new();
    keys.extend(all_keys_of::<NodeConfig>().iter().map(|key| format!("node.toml {key}")));
    // the names of devices are free, so it is their tables that have keys
    keys.remove("node.toml devices");
    keys.extend(all_keys_of::<DeviceConfig>().iter().map(|key| format!("node.toml devices.NAME.{key}")));
    keys.extend(all_keys_of::<SourceConfig>().iter().map(|key| format!("mesh.toml deployments.NAME.{key}")));
    keys.extend(all_keys_of::<MailboxConfig>().iter().map(|key| format!("mesh.toml mailboxes.NAME.{key}")));
    keys.extend(
        all_keys_of::<p7_mailbox::FolderConfig>()
            .iter()
            .map(|key| format!("mesh.toml mailboxes.NAME.folders.FOLDER.{key}")),
    );
    keys.extend(
        all_keys_of::<p7_mailbox::SubjectConfig>()
            .iter()
            .map(|key| format!("mesh.toml mailboxes.NAME.subjects.SUBJECT.{key}")),
    );
    for free in ["folders", "subjects"] {
        keys.remove(&format!("mesh.toml mailboxes.NAME.{free}"));
    }
    let free = ["deployments", "mailboxes"]; // their keys are people's own names
    keys.extend(
        all_keys_of::<MeshConfig>()
            .iter()
            .filter(|key| !free.contains(&&***key))
            .map(|key| format!("mesh.toml {key}")),
    );
    keys.extend(all_keys_of::<ServiceTable>().iter().map(|key| format!("mesh.toml services.ID.{key}")));
    let targets = all_keys_of::<p7_publisher::TargetConfig>();
    keys.extend(targets.iter().map(|key| format!("mesh.toml publish.targets.NAME.{key}")));
    for kind in NAMES {
        let of_kind = all_keys_by(&mut |reader| ProbeConfig::deserialize(kind, reader).map(drop));
        keys.extend(of_kind.iter().map(|key| format!("mesh.toml services.ID.{kind}.{key}")));
    }
    keys.extend(all_keys_of::<RouteTable>().iter().map(|key| format!("mesh.toml routes.NAME.{key}")));
    for kind in p7_notifier::NAMES {
        let of_kind =
            all_keys_by(&mut |reader| p7_notifier::ChannelConfig::deserialize(kind, reader).map(drop));
        keys.extend(of_kind.iter().map(|key| format!("mesh.toml channels.NAME.{kind}.{key}")));
    }
    keys
}

/// Every key of the reference: the rows of its tables below the headings that name a file and a table.
fn documented() -> Vec<String> {
    let (mut file, mut table) = ("", String::new());
    let mut keys = Vec::new();
    for line in REFERENCE.lines() {
        if let Some(name) = line.strip_prefix("## ") {
            file = name.trim_matches('`');
        } else if let Some(name) = line.strip_prefix("### ") {
            let name = name.trim_matches('`');
            table = match name.strip_prefix("[[") {
                Some(list) => format!("{}[]", list.trim_end_matches("]]")),
                None => name.trim_start_matches('[').trim_end_matches(']').to_owned(),
            };
        } else if let Some(key) = line.strip_prefix("| `").and_then(|row| row.split('`').next())
            && !file.contains(' ')
        {
            keys.push(format!("{file} {table}.{key}"));
        }
    }
    keys
}

#[test]
fn the_reference_has_every_key_once_and_no_other() {
    let listed = documented();
    let set: BTreeSet<String> = listed.iter().cloned().collect();
    let known = known();
    let missing: Vec<_> = known.difference(&set).collect();
    let unknown: Vec<_> = set.difference(&known).collect();
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "not documented: {missing:#?}\nnot known: {unknown:#?}"
    );
    assert_eq!(listed.len(), set.len(), "a key is documented twice");
    assert!(known.len() > 80, "{}", known.len());
}

#[test]
fn what_init_writes_shows_every_key() {
    for path in known() {
        let (file, keys) = path.split_once(' ').unwrap();
        let template = if file == "node.toml" { NODE_TEMPLATE } else { MESH_TEMPLATE };
        let key = keys.rsplit('.').next().unwrap();
        let shown = template.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == key);
        assert!(shown, "{path}");
    }
}

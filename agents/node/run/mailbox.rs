//! The roof's side of mailboxes: who may read them, and who hears what is found.

use super::mesh::Joined;
use crate::config::Loaded;
use actix::prelude::*;
use p7_core::mesh::words::Role;
use p7_mailbox::{Follow, Mailboxes, Parts, Standing};
use p7_notifier::Notifier;
use std::collections::BTreeSet;

/// Starts the agent; it reads nothing before it is told what.
pub(super) fn start(
    loaded: &Loaded,
    notifier: &Addr<Notifier>,
    joined: Option<&Joined>,
    registry: &prometheus::Registry,
) -> Result<Addr<Mailboxes>, prometheus::Error> {
    let parts = Parts {
        standing: if joined.is_some() { Standing::Elected } else { Standing::Alone },
        dir: loaded.dir.clone(),
        data: loaded.node.data_dir(&loaded.dir),
        states: joined.map(|joined| joined.member.clone().recipient()),
        found: notifier.clone().recipient(),
    };
    Ok(Mailboxes::new(parts, registry)?.start())
}

/// The mailboxes this node could read: those whose secret it has.
pub(super) fn roles(loaded: &[&Loaded]) -> Vec<Role> {
    let all = loaded.iter().flat_map(|loaded| loaded.mesh.mailboxes.iter().map(|mailbox| (*loaded, mailbox)));
    let mine = all.filter(|(loaded, (_, mailbox))| mailbox.is_readable(&loaded.dir));
    let names: BTreeSet<&String> = mine.map(|(_, (name, _))| name).collect();
    names.into_iter().map(|name| Role::Mailbox(name.clone())).collect()
}

/// What is read.
pub(super) fn follow(loaded: &Loaded) -> Follow {
    Follow(loaded.mesh.mailboxes.clone())
}

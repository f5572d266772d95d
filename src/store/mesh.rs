//! What a node remembers of its part in the mesh: which of its lives it is in, the terms it has seen,
//! where peers were reached, the shared configuration.

use crate::engine::View;
use crate::error::StoreError;
use crate::keys::{BOOT_KEY, PEERS, SHARED_KEY, TERMS, by_text, number};
use crate::records;
use crate::store::{Store, locked};
use p7_core::mesh::words::{Boot, Configuration, Role, Term};
use p7_core::vocabulary::{MeshTime, NodeId};
use rocksdb::WriteBatch;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// Most peers that are remembered: the full mesh of 64 nodes, four times over. Who was not seen for the
/// longest goes.
pub const PEERS_LIMIT: usize = 256;
/// Most addresses of one peer; the latest learned stay.
const ADDRESSES_LIMIT: usize = 16;
/// Longest address that is remembered, in bytes: a name of 253 with its protocols and a peer id.
const ADDRESS_LIMIT: usize = 512;
/// From when lives are counted: 2020-01-01. In seconds from there a number of four bytes lasts until 2156.
const FIRST_LIFE: Duration = Duration::from_secs(1_577_836_800);

impl Store {
    /// Begins a life: its number is greater than that of any before, and on the disk itself.
    ///
    /// It is at least the time of day in seconds, so that it is also greater when the store was moved
    /// aside or restored from a backup: what a node states is numbered within its life, and a number is
    /// never given twice.
    pub fn next_boot(&self) -> Result<Boot, StoreError> {
        let boot = self.begin(SystemTime::now());
        boot.inspect_err(|error| tracing::error!(%error, "can't note that another life of this node begins"))
    }

    fn begin(&self, now: SystemTime) -> Result<Boot, StoreError> {
        let inner = &*self.inner;
        let _writing = locked(&inner.writer);
        let last = inner.engine.read(|view| Ok(view.get(BOOT_KEY)?.map_or(0, |row| number(&row))))?;
        let next = last.saturating_add(1).max(since_first_life(now));
        let mut batch = WriteBatch::default();
        batch.put(BOOT_KEY, next.to_be_bytes());
        inner.write(batch)?;
        inner.engine.sync()?;
        Ok(Boot(next))
    }

    /// Brings a term of a role to the disk itself; a lesser one than is kept changes nothing.
    pub fn keep_term(&self, role: &Role, term: Term) -> Result<(), StoreError> {
        let inner = &*self.inner;
        let _writing = locked(&inner.writer);
        let key = by_text(TERMS, &name_of(role));
        let known = inner.engine.read(|view| match view.get(&key)? {
            Some(row) => records::read_term(&row).map(Some).map_err(|bad| view.damaged(bad)),
            None => Ok(None),
        })?;
        if known.is_some_and(|known| known >= term) {
            return Ok(());
        }
        let mut batch = WriteBatch::default();
        batch.put(key, records::term_row(term));
        inner.write(batch)?;
        inner.engine.sync()
    }

    /// The terms that were kept.
    pub fn terms(&self) -> Result<BTreeMap<Role, Term>, StoreError> {
        self.inner.engine.read(|view| {
            let mut terms = BTreeMap::new();
            for (text, row) in texts(view, TERMS)? {
                let role = role_of(&text).ok_or_else(|| view.damaged("a term of an unknown role"))?;
                terms.insert(role, records::read_term(&row).map_err(|bad| view.damaged(bad))?);
            }
            Ok(terms)
        })
    }

    /// Remembers where a peer was reached, before what is known of it already. At most [`PEERS_LIMIT`]
    /// peers: beyond, who was not seen for the longest is forgotten.
    pub fn remember_peer(
        &self,
        peer: &NodeId,
        addresses: &[String],
        seen: MeshTime,
    ) -> Result<(), StoreError> {
        let inner = &*self.inner;
        let _writing = locked(&inner.writer);
        let mut known = inner.engine.read(all_peers)?;
        let place = known.iter().position(|(node, ..)| node == peer);
        let (before, old) = match place.map(|place| known.remove(place)) {
            Some((_, before, old)) => (before, old),
            None => (MeshTime(0), Vec::new()),
        };
        let merged = merged(addresses, &old);
        if merged.is_empty() {
            return Ok(());
        }
        let mut batch = WriteBatch::default();
        for (node, ..) in known.iter().skip(PEERS_LIMIT - 1) {
            batch.delete(by_text(PEERS, node.as_str()));
        }
        batch.put(by_text(PEERS, peer.as_str()), records::peer_row(seen.max(before), &merged));
        inner.write(batch)
    }

    /// The peers that are remembered with their addresses, who was seen last first.
    pub fn peers(&self) -> Result<Vec<(NodeId, Vec<String>)>, StoreError> {
        let known = self.inner.engine.read(all_peers)?;
        Ok(known.into_iter().map(|(node, _, addresses)| (node, addresses)).collect())
    }

    /// Keeps a version of the shared configuration on the disk itself, unless a greater one is kept.
    ///
    /// # Errors
    /// [`StoreError::TooMuch`] when it is longer than 4 MiB, beside those of the disk.
    pub fn keep_shared_configuration(&self, configuration: &Configuration) -> Result<(), StoreError> {
        let inner = &*self.inner;
        let _writing = locked(&inner.writer);
        if inner.engine.read(shared)?.is_some_and(|known| known.stamp > configuration.stamp) {
            return Ok(());
        }
        let row = records::configuration_row(configuration).ok_or(StoreError::TooMuch {
            what: "bytes of configuration",
            asked: configuration.text.len() as u64,
            limit: 4 << 20,
        })?;
        let mut batch = WriteBatch::default();
        batch.put(SHARED_KEY, row);
        inner.write(batch)?;
        inner.engine.sync()
    }

    /// The greatest version of the shared configuration that was kept.
    pub fn shared_configuration(&self) -> Result<Option<Configuration>, StoreError> {
        self.inner.engine.read(shared)
    }
}

fn since_first_life(now: SystemTime) -> u32 {
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().saturating_sub(FIRST_LIFE);
    // a clock that is centuries ahead says nothing
    u32::try_from(since.as_secs()).unwrap_or(0)
}

/// A role in keys.
fn name_of(role: &Role) -> String {
    match role {
        Role::Leader => "leader".to_owned(),
        Role::Mailbox(name) => format!("mailbox/{name}"),
        Role::Persona => "persona".to_owned(),
    }
}

fn role_of(text: &str) -> Option<Role> {
    match text {
        "leader" => Some(Role::Leader),
        "persona" => Some(Role::Persona),
        other => other.strip_prefix("mailbox/").map(|name| Role::Mailbox(name.to_owned())),
    }
}

/// Peers, who was seen last first.
fn all_peers(view: &View<'_>) -> Result<Vec<(NodeId, MeshTime, Vec<String>)>, StoreError> {
    let mut peers = Vec::new();
    for (text, row) in texts(view, PEERS)? {
        let node = NodeId::new(&text).map_err(|bad| view.damaged(bad.to_string()))?;
        let (seen, addresses) = records::read_peer(&row).map_err(|bad| view.damaged(bad))?;
        peers.push((node, seen, addresses));
    }
    peers.sort_by_key(|(_, seen, _)| std::cmp::Reverse(*seen));
    Ok(peers)
}

fn merged(new: &[String], old: &[String]) -> Vec<String> {
    let mut merged: Vec<String> = Vec::new();
    for address in
        new.iter().chain(old).filter(|address| !address.is_empty() && address.len() <= ADDRESS_LIMIT)
    {
        if merged.len() < ADDRESSES_LIMIT && !merged.contains(address) {
            merged.push(address.clone());
        }
    }
    merged
}

fn shared(view: &View<'_>) -> Result<Option<Configuration>, StoreError> {
    let row = view.get(SHARED_KEY)?;
    row.map(|row| records::read_configuration(&row).map_err(|bad| view.damaged(bad))).transpose()
}

/// A text and its row.
type TextRow = (String, Box<[u8]>);

/// The rows of a table whose keys are texts.
fn texts(view: &View<'_>, table: u8) -> Result<Vec<TextRow>, StoreError> {
    let mut walk = view.walk_table(table);
    walk.at_first();
    let rows = walk.rest(usize::MAX)?.into_iter();
    rows.map(|(key, row)| {
        let text = key.get(1..).and_then(|text| std::str::from_utf8(text).ok());
        let text = text.ok_or_else(|| view.damaged("a key of no known form"))?;
        Ok((text.to_owned(), row))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn a_life_is_later_than_every_other_even_when_the_store_or_the_clock_is_lost() {
        let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let store = Store::open(dir.path(), &Config::default()).unwrap();
        assert_eq!(store.begin(at(1_577_836_800 + 500)).unwrap(), Boot(500));
        assert_eq!(store.begin(at(1_577_836_800 + 500)).unwrap(), Boot(501));
        store.close().unwrap();
        let store = Store::open(dir.path(), &Config::default()).unwrap();
        assert_eq!(store.begin(at(0)).unwrap(), Boot(502), "without a clock");
        let empty = Store::open(other.path(), &Config::default()).unwrap();
        assert_eq!(empty.begin(at(1_577_836_800 + 600)).unwrap(), Boot(600), "without a store");
        assert_eq!(empty.begin(at(99_999_999_999)).unwrap(), Boot(601), "in a far future");
        assert_eq!(store.next_boot().unwrap().0.max(502), store.begin(at(0)).unwrap().0 - 1);
    }

    #[test]
    fn every_role_reads_back_from_its_name() {
        for role in [Role::Leader, Role::Persona, Role::Mailbox("ops/leader".into())] {
            assert_eq!(role_of(&name_of(&role)), Some(role));
        }
        assert_eq!(role_of("janitor"), None);
    }
}

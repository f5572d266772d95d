//! Connections kept for the next probe, shared by all services that connect in the same way: a thousand
//! pages of one host need a few connections, not a thousand.

use super::link::Kept;
use crate::net::resolve::Place;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Kept for one host: as many of its services as are tested at once in the steady state.
const HOST_LIMIT: usize = 8;
/// Kept in all of one way to connect; each is an open file and some 17 kB of buffers.
const POOL_LIMIT: usize = 2048;

/// Ways to connect that are in use, by their settings.
static POOLS: Mutex<BTreeMap<String, Weak<Pool>>> = Mutex::new(BTreeMap::new());

/// The kept connections of one way to connect.
#[derive(Debug, Default)]
pub(super) struct Pool {
    kept: Mutex<Shelf>,
}

#[derive(Debug, Default)]
struct Shelf {
    hosts: BTreeMap<(bool, Place), Vec<Kept>>,
    count: usize,
}

impl Pool {
    /// The pool of all services whose settings of TLS, proxy, addresses and HTTP version are these.
    pub(super) fn of(settings: String) -> Arc<Self> {
        let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pool) = pools.get(&settings).and_then(Weak::upgrade) {
            return pool;
        }
        pools.retain(|_, pool| pool.strong_count() > 0);
        let pool = Arc::new(Self::default());
        pools.insert(settings, Arc::downgrade(&pool));
        pool
    }

    /// A connection to this host that is still open.
    pub(super) fn take(&self, https: bool, place: &Place) -> Option<Kept> {
        let mut held = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Shelf { hosts, count } = &mut *held;
        let kept = hosts.get_mut(&(https, place.clone()))?;
        while let Some(link) = kept.pop() {
            *count -= 1;
            if link.is_open() {
                return Some(link);
            }
        }
        None
    }

    /// Keeps a connection, unless there are enough.
    pub(super) fn put(&self, link: Kept) {
        let mut held = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if held.count >= POOL_LIMIT {
            held.tidy();
        }
        let Shelf { hosts, count } = &mut *held;
        let kept = hosts.entry(link.leads_to()).or_default();
        if kept.len() < HOST_LIMIT && *count < POOL_LIMIT {
            kept.push(link);
            *count += 1;
        }
    }
}

impl Shelf {
    /// Lets go of what the other side has closed, such as of hosts that are no longer watched.
    fn tidy(&mut self) {
        for kept in self.hosts.values_mut() {
            kept.retain(Kept::is_open);
        }
        self.hosts.retain(|_, kept| !kept.is_empty());
        self.count = self.hosts.values().map(Vec::len).sum();
    }
}

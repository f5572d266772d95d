//! Whom to dial and when: everybody who is known and not connected, for ever, less and less often. Pure:
//! the time and what came of a dial come in.

use super::addresses::{Reach, is_useful, split};
use super::{DIALS_LIMIT, Direction, FULL_MESH_LIMIT};
use libp2p::{Multiaddr, PeerId};
use std::collections::BTreeMap;

/// Most peers that are remembered.
const PEERS_LIMIT: usize = 1024;
/// Most addresses of one, the latest first.
const ADDRESSES_LIMIT: usize = 8;
/// Most configured addresses.
const PLACES_LIMIT: usize = 64;
/// Most dials that begin at once; the rest follow half a second later.
const AT_ONCE_LIMIT: usize = 16;
/// The pause after the first failure; it doubles with each.
const FIRST_PAUSE_MS: u64 = 1_000;
/// The longest pause.
const LONGEST_PAUSE_MS: u64 = 30_000;
/// A connection that lasts less was closed by a peer that does not want it: the pause keeps growing.
const LASTING_MS: u64 = 10_000;
/// So many failures make a hint worthless, and an address of a peer worth trying for another peer.
const WORTHLESS: u32 = 3;

/// How a peer is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kept {
    /// The local network named it, which anybody can make it do: forgotten when it does not answer.
    Hint,
    /// It is a peer, or was told of by one: dialled for ever.
    ForEver,
}

/// What is dialled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A peer.
    Peer(PeerId),
    /// An address, whoever is there.
    Place(Multiaddr),
}

/// A dial that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dial {
    pub(crate) target: Target,
    pub(crate) addresses: Vec<Multiaddr>,
}

/// Why a dial failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Nobody was there, or whoever was did not let us in.
    Refused,
    /// Another peer than expected is at this address.
    OtherPeer(Multiaddr),
    /// The address is this node's own.
    Ourselves(Multiaddr),
    /// This peer is there, but one of the two has connections enough.
    Enough(PeerId),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Dialing,
    Connected { since: u64, direction: Direction },
}

#[derive(Debug)]
struct Peer {
    addresses: Vec<Multiaddr>,
    kept: Kept,
    state: State,
    failures: u32,
    next: u64,
}

/// A configured address whose peer is not named.
#[derive(Debug)]
struct Place {
    address: Multiaddr,
    /// Who was found there.
    peer: Option<PeerId>,
    state: State,
    failures: u32,
    next: u64,
}

/// Everybody who is known. Times are milliseconds of a clock that never jumps.
#[derive(Debug)]
pub(crate) struct Book {
    me: PeerId,
    reach: Reach,
    chance: u64,
    peers: BTreeMap<PeerId, Peer>,
    places: Vec<Place>,
}

impl Book {
    pub(crate) fn new(me: PeerId, reach: Reach, chance: u64) -> Self {
        Self { me, reach, chance, peers: BTreeMap::new(), places: Vec::new() }
    }

    /// Remembers an address that is to be dialled whoever is there. False when there are too many.
    pub(crate) fn add_place(&mut self, address: &Multiaddr, now: u64) -> bool {
        let (address, peer) = split(address);
        if let Some(peer) = peer {
            return self.take(peer, &[address], Kept::ForEver, now);
        }
        if self.places.iter().any(|place| place.address == address) {
            return true;
        }
        if self.places.len() == PLACES_LIMIT {
            return false;
        }
        self.places.push(Place { address, peer: None, state: State::Idle, failures: 0, next: now });
        true
    }

    /// Remembers where a peer listens, if that is of use, and says what was. The node with the smaller id
    /// dials at once, the other waits a moment: two connections would be one too many.
    pub(crate) fn know(&mut self, peer: PeerId, told: &[Multiaddr], kept: Kept, now: u64) -> Vec<Multiaddr> {
        let useful = told.iter().map(|address| split(address).0);
        let useful: Vec<Multiaddr> =
            useful.filter(|address| is_useful(address, self.reach)).take(ADDRESSES_LIMIT).collect();
        for place in &mut self.places {
            if useful.contains(&place.address) {
                place.peer = Some(peer);
            }
        }
        let first = now + if self.me < peer { 0 } else { FIRST_PAUSE_MS };
        if self.take(peer, &useful, kept, first) { useful } else { Vec::new() }
    }

    fn take(&mut self, peer: PeerId, addresses: &[Multiaddr], kept: Kept, first: u64) -> bool {
        if peer == self.me || addresses.is_empty() {
            return true;
        }
        if !self.peers.contains_key(&peer) && self.peers.len() >= PEERS_LIMIT && !self.forget_a_hint() {
            return false;
        }
        let next = first + self.jitter(FIRST_PAUSE_MS / 4);
        let known = self.peers.entry(peer).or_insert_with(|| Peer::new(kept, next));
        known.kept = known.kept.max(kept);
        for address in addresses.iter().rev() {
            known.addresses.retain(|other| other != address);
            known.addresses.insert(0, address.clone());
        }
        known.addresses.truncate(ADDRESSES_LIMIT);
        true
    }

    fn forget_a_hint(&mut self) -> bool {
        let hint = self.peers.iter().find(|(_, peer)| peer.kept == Kept::Hint && peer.state == State::Idle);
        let hint = hint.map(|(id, _)| *id);
        hint.is_some_and(|id| self.peers.remove(&id).is_some())
    }

    /// A connection to a peer is open; by which dial, if by one of ours.
    pub(crate) fn connected(&mut self, id: PeerId, dialled: Option<&Target>, now: u64) {
        let direction = if dialled.is_some() { Direction::Out } else { Direction::In };
        if let Some(Target::Place(address)) = dialled {
            if let Some(place) = self.place(address) {
                (place.state, place.peer, place.failures) = (State::Idle, Some(id), 0);
            }
            self.take(id, std::slice::from_ref(address), Kept::ForEver, now);
        }
        let peer = self.peers.entry(id).or_insert_with(|| Peer::new(Kept::ForEver, now));
        peer.kept = Kept::ForEver;
        if !matches!(peer.state, State::Connected { .. }) {
            peer.state = State::Connected { since: now, direction };
        }
    }

    /// The last connection to a peer is closed.
    pub(crate) fn disconnected(&mut self, id: PeerId, now: u64) {
        let jitter = self.jitter(FIRST_PAUSE_MS / 2);
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if let State::Connected { since, .. } = peer.state {
            let lasted = now.saturating_sub(since) >= LASTING_MS;
            peer.failures = if lasted { 0 } else { peer.failures.saturating_add(1) };
        }
        peer.state = State::Idle;
        // one that only ever came to us can't be dialled
        if peer.addresses.is_empty() {
            self.peers.remove(&id);
            return;
        }
        peer.next = now + jitter + if peer.failures > 0 { pause(peer.failures) } else { 0 };
    }

    /// A dial failed.
    pub(crate) fn failed(&mut self, target: &Target, why: &Failure, now: u64) {
        let jitter = self.jitter(FIRST_PAUSE_MS / 2);
        match target {
            Target::Peer(id) => {
                let Some(peer) = self.peers.get_mut(id) else { return };
                if peer.state == State::Dialing {
                    peer.state = State::Idle;
                }
                peer.failures = peer.failures.saturating_add(1);
                peer.next = now + pause(peer.failures) + jitter;
                if let Failure::OtherPeer(address) | Failure::Ourselves(address) = why {
                    let (bare, _) = split(address);
                    peer.addresses.retain(|other| *other != bare);
                }
                let worthless = peer.kept == Kept::Hint && peer.failures >= WORTHLESS;
                if (worthless || peer.addresses.is_empty()) && peer.state == State::Idle {
                    self.peers.remove(id);
                }
            }
            Target::Place(address) => {
                let me = self.me;
                let Some(place) = self.place(address) else { return };
                place.state = State::Idle;
                place.failures = place.failures.saturating_add(1);
                place.next = now + pause(place.failures) + jitter;
                match why {
                    Failure::Ourselves(_) => place.peer = Some(me),
                    Failure::Enough(peer) => place.peer = Some(*peer),
                    Failure::Refused | Failure::OtherPeer(_) => {}
                }
            }
        }
    }

    /// The network may be another: everybody is dialled anew.
    pub(crate) fn wake(&mut self, now: u64) {
        for peer in self.peers.values_mut() {
            (peer.failures, peer.next) = (0, now);
        }
        for place in &mut self.places {
            (place.failures, place.next) = (0, now);
        }
    }

    /// What is to be dialled now; it counts as being dialled from here on.
    pub(crate) fn due(&mut self, now: u64) -> Vec<Dial> {
        let mut dials = self.due_places(now);
        let room = self.room().min(AT_ONCE_LIMIT.saturating_sub(dials.len()));
        let chance = self.chance;
        let waiting = self
            .peers
            .iter_mut()
            .filter(|(_, peer)| peer.state == State::Idle && peer.next <= now && !peer.addresses.is_empty());
        // in a large mesh everybody dials others
        let mut waiting: Vec<_> = waiting.collect();
        waiting.sort_by_cached_key(|(id, _)| mixed(chance ^ number_of(id)));
        for (id, peer) in waiting.into_iter().take(room) {
            peer.state = State::Dialing;
            dials.push(Dial { target: Target::Peer(*id), addresses: peer.addresses.clone() });
        }
        dials
    }

    fn due_places(&mut self, now: u64) -> Vec<Dial> {
        let Self { me, peers, places, .. } = self;
        let is_due = |place: &&mut Place| {
            let open = place.peer.is_none_or(|id| {
                id != *me
                    && peers
                        .get(&id)
                        .is_none_or(|peer| peer.failures >= WORTHLESS && peer.state == State::Idle)
            });
            open && place.state == State::Idle && place.next <= now
        };
        let due = places.iter_mut().filter(is_due).take(AT_ONCE_LIMIT);
        due.map(|place| {
            place.state = State::Dialing;
            let address = place.address.clone();
            Dial { target: Target::Place(address.clone()), addresses: vec![address] }
        })
        .collect()
    }

    /// How many more peers this node may dial.
    fn room(&self) -> usize {
        if self.peers.len() < FULL_MESH_LIMIT {
            return usize::MAX;
        }
        let ours = self.peers.values().filter(|peer| match peer.state {
            State::Dialing | State::Connected { direction: Direction::Out, .. } => true,
            State::Idle | State::Connected { direction: Direction::In, .. } => false,
        });
        DIALS_LIMIT.saturating_sub(ours.count())
    }

    fn place(&mut self, address: &Multiaddr) -> Option<&mut Place> {
        self.places.iter_mut().find(|place| place.address == *address)
    }

    fn jitter(&mut self, most: u64) -> u64 {
        self.chance = mixed(self.chance);
        self.chance % most.max(1)
    }
}

impl Peer {
    fn new(kept: Kept, next: u64) -> Self {
        Self { addresses: Vec::new(), kept, state: State::Idle, failures: 0, next }
    }
}

/// The pause after so many failures.
fn pause(failures: u32) -> u64 {
    let doubled = 1u64.checked_shl(failures.saturating_sub(1)).unwrap_or(u64::MAX);
    FIRST_PAUSE_MS.saturating_mul(doubled).min(LONGEST_PAUSE_MS)
}

/// The last bytes of an id, which are of its key.
fn number_of(id: &PeerId) -> u64 {
    id.to_bytes().last_chunk().map_or(0, |last| u64::from_be_bytes(*last))
}

/// A number that looks like chance (splitmix64).
fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

#[cfg(test)]
#[path = "redial_tests.rs"]
mod tests;

//! Links between nodes as TCP has them: a cut is not noticed, a close is; what is sent meanwhile comes late.

use crate::chance::Chance;
use crate::node::Parcel;
use crate::options::Wire;
use std::rc::Rc;

/// What waits on a connection whose path is cut: the sender's buffer. More is lost.
const BUFFER: usize = 64;

/// One of the nodes, by its number.
pub type Index = u16;

/// The connection of a pair of nodes, as its two ends see it.
#[derive(Debug, Default)]
struct Pair {
    /// Which connection of theirs it is: what belongs to an older one is void.
    epoch: u32,
    /// Whether the lesser and the greater node hold it to be open.
    open: [bool; 2],
    /// A dial is under way.
    dialling: bool,
    /// Directed cuts in force, from the lesser and from the greater node.
    cuts: [u16; 2],
    /// Whether the two would connect at all.
    wanted: bool,
    held: Vec<(Index, Rc<Parcel>)>,
}

/// All links.
#[derive(Debug)]
pub struct Network {
    wire: Wire,
    nodes: usize,
    pairs: Vec<Pair>,
    behind_nat: Vec<bool>,
    /// Who is connected to whom as itself sees it, so that sending needs no search.
    peers: Vec<Vec<Index>>,
}

/// Where the pair of `a` and `b` is: rows of a triangle, so that more nodes can be added.
fn place(a: Index, b: Index) -> (usize, usize) {
    let (low, high) = (usize::from(a.min(b)), usize::from(a.max(b)));
    (high * high.saturating_sub(1) / 2 + low, usize::from(a > b))
}

impl Network {
    /// Links of no nodes.
    pub fn new(wire: Wire) -> Self {
        Self { wire, nodes: 0, pairs: Vec::new(), behind_nat: Vec::new(), peers: Vec::new() }
    }

    /// One node more. Above `degree` nodes it wants links to some others only.
    pub fn add(&mut self, chance: &mut Chance, degree: usize) {
        let behind_nat = self.nodes > 0 && chance.per_cent(self.wire.behind_nat);
        for other in 0..self.nodes {
            // its neighbours on a ring keep the graph whole
            let near = self.nodes - other <= 2;
            let wanted = near || self.nodes <= degree || chance.place(self.nodes) < degree / 2;
            self.pairs.push(Pair { wanted, ..Pair::default() });
        }
        self.behind_nat.push(behind_nat);
        self.peers.push(Vec::new());
        self.nodes += 1;
    }

    fn pair(&self, a: Index, b: Index) -> (&Pair, usize) {
        let (at, side) = place(a, b);
        (&self.pairs[at], side)
    }

    fn pair_mut(&mut self, a: Index, b: Index) -> (&mut Pair, usize) {
        let (at, side) = place(a, b);
        (&mut self.pairs[at], side)
    }

    /// Whom a node holds to be connected to.
    pub fn peers(&self, of: Index) -> &[Index] {
        &self.peers[usize::from(of)]
    }

    /// Whether packets pass from one to another.
    pub fn passes(&self, from: Index, to: Index) -> bool {
        let (pair, side) = self.pair(from, to);
        pair.cuts[side] == 0
    }

    /// Whether two nodes could be connected, if both run.
    pub fn could(&self, a: Index, b: Index) -> bool {
        let dialable = !(self.behind_nat[usize::from(a)] && self.behind_nat[usize::from(b)]);
        dialable && self.pair(a, b).0.wanted && self.passes(a, b) && self.passes(b, a)
    }

    /// The connection that `from` holds to be open to `to`.
    pub fn epoch(&self, from: Index, to: Index) -> Option<u32> {
        let (pair, side) = self.pair(from, to);
        pair.open[side].then_some(pair.epoch)
    }

    /// Whether `at` takes what comes by this connection.
    pub fn takes(&self, at: Index, from: Index, epoch: u32) -> bool {
        let (pair, side) = self.pair(at, from);
        pair.open[side] && pair.epoch == epoch
    }

    /// Whether both ends hold the same connection to be open.
    pub fn whole(&self, a: Index, b: Index) -> bool {
        let (pair, _) = self.pair(a, b);
        pair.open == [true, true]
    }

    /// Keeps what is sent into a cut, as far as the sender's buffer goes.
    pub fn hold(&mut self, from: Index, to: Index, message: &Rc<Parcel>) {
        let (pair, _) = self.pair_mut(from, to);
        if pair.held.len() < BUFFER {
            pair.held.push((to, Rc::clone(message)));
        }
    }

    /// A dial begins; false when one is under way.
    pub fn dial(&mut self, a: Index, b: Index) -> bool {
        let (pair, _) = self.pair_mut(a, b);
        !std::mem::replace(&mut pair.dialling, true)
    }

    /// A dial has ended, whatever came of it.
    pub fn dialled(&mut self, a: Index, b: Index) {
        self.pair_mut(a, b).0.dialling = false;
    }

    /// A new connection: says for `a` and `b` whether it is their first.
    pub fn connect(&mut self, a: Index, b: Index) -> [bool; 2] {
        let (pair, side) = self.pair_mut(a, b);
        let before = pair.open;
        pair.epoch += 1;
        pair.open = [true, true];
        pair.held.clear();
        let first = [!before[side], !before[1 - side]];
        if first[0] {
            self.peers[usize::from(a)].push(b);
        }
        if first[1] {
            self.peers[usize::from(b)].push(a);
        }
        first
    }

    /// One end closes; false when it had.
    pub fn close(&mut self, at: Index, to: Index) -> bool {
        let (pair, side) = self.pair_mut(at, to);
        let was = std::mem::replace(&mut pair.open[side], false);
        if was {
            self.peers[usize::from(at)].retain(|peer| *peer != to);
        }
        was
    }

    /// The path from one to another is cut once more.
    pub fn cut(&mut self, from: Index, to: Index) {
        let (pair, side) = self.pair_mut(from, to);
        pair.cuts[side] += 1;
    }

    /// One cut less; gives what waited if both ways are open again and the connection still is.
    pub fn heal(&mut self, from: Index, to: Index) -> Vec<(Index, Rc<Parcel>)> {
        let (pair, side) = self.pair_mut(from, to);
        pair.cuts[side] = pair.cuts[side].saturating_sub(1);
        if pair.cuts != [0, 0] {
            return Vec::new();
        }
        let held = std::mem::take(&mut pair.held);
        if pair.open == [true, true] { held } else { Vec::new() }
    }

    /// How long a message takes; now and then eight times as long.
    pub fn latency(&self, chance: &mut Chance) -> u64 {
        let draw = chance.number();
        let jitter = (u64::from((draw >> 32) as u32) * (self.wire.jitter + 1)) >> 32;
        let spike = if draw.trailing_zeros() >= 8 { 8 } else { 1 };
        self.wire.base + jitter * spike
    }

    /// Whether gossip or a question is lost.
    pub fn loses(&self, chance: &mut Chance) -> bool {
        chance.per_mille(self.wire.loss)
    }

    /// Whether gossip comes twice.
    pub fn doubles(&self, chance: &mut Chance) -> bool {
        chance.per_mille(self.wire.twice)
    }
}

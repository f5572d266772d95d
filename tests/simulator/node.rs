//! A simulated node: the machine and the watch under test, with what a live node has around them.

use crate::disk::Disk;
use crate::mouth::Mouth;
use crate::network::Index;
use crate::options::Lie;
use crate::queue::At;
use p7_core::mesh::look::Looks;
use p7_core::mesh::machine::{Answer, Machine};
use p7_core::mesh::words::{Batch, Beat, Now, Question, Steady, Suspicion};
use p7_core::schedule::Seat;
use p7_core::vocabulary::{Cycle, MeshTime, NodeId};
use p7_core::watch::{Sites, Watch};

/// What goes from node to node. Signatures are taken as given: nobody can speak in another's name but by
/// what is inside.
#[derive(Debug)]
pub enum Message {
    /// A sign of life.
    Beat(Beat),
    /// Facts.
    Batch(Batch),
    /// A probe does not come back.
    Suspicion(Suspicion),
    /// A question with its ticket.
    Question(u64, Question),
    /// The answer to it.
    Reply(u64, Answer),
}

/// A message on its way; a relayed one is the same parcel still.
#[derive(Debug)]
pub struct Parcel {
    /// Tells gossip apart; 0 for what goes from one node to one other.
    pub id: u32,
    /// What is inside.
    pub message: Message,
}

/// Gossip that was seen lately: as the transport does, what comes again by another way is dropped.
#[derive(Debug)]
pub struct Seen(Vec<u32>);

impl Seen {
    /// As much is remembered as is said in two minutes by twenty nodes.
    const LIMIT: usize = 2_048;

    /// Nothing was seen.
    pub fn nothing() -> Self {
        Self(vec![0; Self::LIMIT])
    }

    /// Whether gossip is seen for the first time; from now on it is not.
    pub fn is_new(&mut self, id: u32) -> bool {
        let place = id as usize % Self::LIMIT;
        std::mem::replace(&mut self.0[place], id) != id
    }
}

/// Whether a node runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    /// It does.
    On,
    /// Its process does not run.
    Off,
    /// The machine is suspended; memory and open connections are kept.
    Asleep,
    /// It is gone for good.
    Gone,
}

/// A node's clocks against true time.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// How far the wall clock is ahead, in milliseconds.
    pub offset: i64,
    /// How fast that grows, in parts of a million.
    pub drift: i64,
    /// True time at which the drift is nothing.
    pub since: At,
    /// Where the steady clock began.
    pub steady_from: At,
}

impl Clock {
    /// How far the wall clock is ahead.
    pub fn ahead(&self, at: At) -> i64 {
        let passed = i64::try_from(at.saturating_sub(self.since)).unwrap_or(i64::MAX);
        self.offset + passed.saturating_mul(self.drift) / 1_000_000
    }

    /// Both clocks.
    pub fn now(&self, at: At) -> Now {
        let wall = at.saturating_add_signed(self.ahead(at));
        Now { wall: MeshTime(wall), steady: Steady(at.saturating_sub(self.steady_from)) }
    }

    /// True time at a moment of the steady clock.
    pub fn at(&self, steady: Steady) -> At {
        steady.0.saturating_add(self.steady_from)
    }
}

/// What a node knows of one service as its tester.
#[derive(Debug, Default)]
pub struct Desk {
    /// Its seat, if it has one.
    pub seat: Option<Seat>,
    /// Slots of earlier seats are void.
    pub generation: u32,
    /// The cycle of its last slot.
    pub last: Option<Cycle>,
    /// How many extra looks are under way.
    pub looking: u32,
}

/// A node.
pub struct Node {
    /// Its number.
    pub index: Index,
    /// Its id.
    pub id: NodeId,
    /// Its configured priority.
    pub priority: u8,
    /// Whether it could lead.
    pub eligible: bool,
    /// At which site it stands.
    pub site: Option<usize>,
    /// Whether it runs.
    pub power: Power,
    /// Counts its lives: what was to happen in an earlier one is void.
    pub life: u32,
    /// When this life began.
    pub started: At,
    /// When it last woke from sleep.
    pub woke: At,
    /// Its clocks.
    pub clock: Clock,
    /// The machine under test.
    pub machine: Option<Machine>,
    /// Gossip it has seen lately.
    pub seen: Seen,
    /// When it is to be woken.
    pub alarm: At,
    /// What it shows.
    pub watch: Watch,
    /// Who is at which site, as the watch was told.
    pub sites: Sites,
    /// Which cycles it has spoken about.
    pub looks: Looks,
    /// Its disk.
    pub disk: Disk,
    /// Its tests, by service.
    pub desks: Vec<Desk>,
    /// How many faults cut it off from the services.
    pub uplink_cuts: u32,
    /// Whether it believes so.
    pub thinks_cut_off: bool,
    /// When it last found that it was not any more.
    pub back: At,
    /// How late it is with everything.
    pub slow: u64,
    /// How it lies.
    pub lie: Option<Lie>,
    /// Everything fails that it tests.
    pub bad_vantage: bool,
    /// What it says on the channel.
    pub mouth: Mouth,
}

impl Node {
    /// Whether it runs.
    pub fn is_on(&self) -> bool {
        self.power == Power::On
    }

    /// Whether what it says of services can be believed.
    pub fn is_honest(&self) -> bool {
        self.lie.is_none() && !self.bad_vantage
    }

    /// Both clocks.
    pub fn now(&self, at: At) -> Now {
        self.clock.now(at)
    }

    /// The mesh's time as it takes it to be; its wall clock's while it does not run.
    pub fn mesh_time(&self, at: At) -> MeshTime {
        let now = self.now(at);
        self.machine.as_ref().map_or(now.wall, |machine| machine.mesh_time(now))
    }
}

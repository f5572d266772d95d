//! A session and a simulated robot in virtual time, with a network between that loses, doubles, delays.

use crate::chance::Chance;
use crate::simulated::{SimulatedRobot, TICK};
use p7_cozmo::session::{Session, SessionEvent};
use std::collections::BTreeMap;
use std::time::Duration;

enum To {
    Robot(u16),
    Session(u16),
}

pub(crate) struct World {
    pub(crate) now: Duration,
    pub(crate) session: Session,
    pub(crate) robot: SimulatedRobot,
    pub(crate) events: Vec<SessionEvent>,
    pub(crate) loss_per_cent: u64,
    /// Datagrams the session has sent.
    pub(crate) sent: u64,
    port: u16,
    chance: Chance,
    on_way: BTreeMap<(Duration, u64), (To, Vec<u8>)>,
    numbered: u64,
    robot_ticks_at: Duration,
}

impl World {
    pub(crate) fn new(seed: u64, loss_per_cent: u64) -> Self {
        Self {
            now: Duration::ZERO,
            session: Session::open(30_000, Duration::ZERO),
            robot: SimulatedRobot::new(),
            events: Vec::new(),
            loss_per_cent,
            sent: 0,
            port: 40_000,
            chance: Chance::seeded(seed),
            on_way: BTreeMap::new(),
            numbered: 0,
            robot_ticks_at: TICK,
        }
    }

    /// The session gives up and a new one begins from a fresh port.
    pub(crate) fn reconnect(&mut self) {
        self.port += 1;
        self.session = Session::open(30_000, self.now);
    }

    fn post(&mut self, to: impl Fn() -> To, datagram: &[u8]) {
        for delay in self.chance.deliveries(self.loss_per_cent) {
            self.numbered += 1;
            self.on_way.insert((self.now + delay, self.numbered), (to(), datagram.to_vec()));
        }
    }

    fn flush(&mut self) {
        while let Some(datagram) = self.session.datagram() {
            self.sent += 1;
            let port = self.port;
            self.post(|| To::Robot(port), &datagram);
        }
        while let Some(event) = self.session.event() {
            self.events.push(event);
        }
    }

    /// Lets everything happen that happens within `span`, or until `done`. Says whether it was done.
    pub(crate) fn run(&mut self, span: Duration, mut done: impl FnMut(&Self) -> bool) -> bool {
        let end = self.now + span;
        loop {
            self.flush();
            if done(self) {
                return true;
            }
            let arrival = self.on_way.keys().next().map(|(at, _)| *at);
            let wake = [arrival, self.session.deadline(), Some(self.robot_ticks_at)];
            let next = wake.into_iter().flatten().min().unwrap().max(self.now);
            if next >= end {
                self.now = end;
                return false;
            }
            self.now = next;
            if self.robot_ticks_at <= self.now {
                self.robot_ticks_at += TICK;
                if let Some((port, datagram)) = self.robot.tick(self.now) {
                    self.post(|| To::Session(port), &datagram);
                }
            }
            while let Some(entry) = self.on_way.first_entry()
                && entry.key().0 <= self.now
            {
                match entry.remove() {
                    (To::Robot(port), datagram) => self.robot.receive(port, &datagram, self.now),
                    (To::Session(port), datagram) if port == self.port => {
                        self.session.receive(&datagram, self.now);
                    }
                    (To::Session(_), _) => {} // that port is closed
                }
            }
            self.session.tick(self.now);
        }
    }

    /// Runs until the robot is ready.
    pub(crate) fn until_ready(&mut self) {
        let ready = self.run(Duration::from_secs(30), |world| world.session.about().is_some());
        assert!(ready, "not ready after 30 s: {:?}", self.events);
    }
}

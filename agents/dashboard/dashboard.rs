//! The agent: hears what happens and puts it on the board.

use crate::board::Board;
use actix::prelude::*;
use p7_bus::{
    ConfigurationNoted, Configured, DevicesNoted, Heard, IncidentChanged, MeshNoted, NetworkNoted,
    PublishNoted, Snapshot, StoreNoted,
};
use std::sync::Arc;

/// Events that wait: a status of every service of a large mesh after a restart.
const MAILBOX_LIMIT: usize = 4096;

/// The dashboard agent. Its handlers only note; whoever reads does the work of showing.
#[derive(Debug)]
pub struct Dashboard {
    board: Arc<Board>,
}

impl Dashboard {
    pub(crate) fn new(board: Arc<Board>) -> Self {
        Self { board }
    }
}

impl Actor for Dashboard {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX_LIMIT);
    }
}

impl Handler<Heard> for Dashboard {
    type Result = ();
    fn handle(&mut self, heard: Heard, _: &mut Self::Context) {
        self.board.heard(heard);
    }
}

impl Handler<Snapshot> for Dashboard {
    type Result = ();
    fn handle(&mut self, snapshot: Snapshot, _: &mut Self::Context) {
        self.board.snapshot(&snapshot.0);
    }
}

impl Handler<IncidentChanged> for Dashboard {
    type Result = ();
    fn handle(&mut self, changed: IncidentChanged, _: &mut Self::Context) {
        self.board.incident(changed);
    }
}

impl Handler<Configured> for Dashboard {
    type Result = ();
    fn handle(&mut self, configured: Configured, _: &mut Self::Context) {
        self.board.configured(&configured.0);
    }
}

impl Handler<ConfigurationNoted> for Dashboard {
    type Result = ();
    fn handle(&mut self, noted: ConfigurationNoted, _: &mut Self::Context) {
        self.board.configuration(noted);
    }
}

impl Handler<NetworkNoted> for Dashboard {
    type Result = ();
    fn handle(&mut self, noted: NetworkNoted, _: &mut Self::Context) {
        self.board.network(noted);
    }
}

impl Handler<StoreNoted> for Dashboard {
    type Result = ();
    fn handle(&mut self, noted: StoreNoted, _: &mut Self::Context) {
        self.board.store(noted);
    }
}

impl Handler<PublishNoted> for Dashboard {
    type Result = ();
    fn handle(&mut self, noted: PublishNoted, _: &mut Self::Context) {
        self.board.publishing(noted.0);
    }
}

impl Handler<MeshNoted> for Dashboard {
    type Result = ();
    fn handle(&mut self, noted: MeshNoted, _: &mut Self::Context) {
        self.board.mesh(noted.0);
    }
}

impl Handler<DevicesNoted> for Dashboard {
    type Result = ();
    fn handle(&mut self, noted: DevicesNoted, _: &mut Self::Context) {
        self.board.devices(noted.0);
    }
}

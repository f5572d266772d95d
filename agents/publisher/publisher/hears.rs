//! What the publisher hears: each handler notes it, and lets what is due be done.

use super::{Publisher, Stop, TakeUp};
use crate::upload::Conditions;
use crate::worker::Report;
use actix::prelude::*;
use p7_bus::{ConfigurationNoted, Configured, Heard, MeshNoted, NetworkNoted, Snapshot};
use p7_core::status::ServiceStatus;
use std::sync::Arc;

impl StreamHandler<Report> for Publisher {
    fn handle(&mut self, report: Report, _: &mut Self::Context) {
        let Some(running) = self.targets.get_mut(&report.target) else { return };
        if self.leading_since.is_none() {
            return;
        }
        let noted = &mut running.noted;
        noted.standing = report.standing;
        noted.fenced = report.conditions.map(|found| found == Conditions::Honoured);
        noted.since = report.trouble.as_ref().map(|_| noted.since.unwrap_or_else(self.parts.clock));
        noted.trouble = report.trouble;
        if let Some((edition, done)) = report.done {
            noted.published = Some(edition.at);
            noted.files = edition.files.len() as u64;
            noted.sent = done.files;
            noted.sent_bytes = done.bytes;
        }
        self.say();
    }
}

impl Handler<TakeUp> for Publisher {
    type Result = ();
    fn handle(&mut self, TakeUp(config, dead_man): TakeUp, _: &mut Self::Context) {
        if self.dead_man != dead_man {
            self.dead_man = dead_man;
            self.told_alive = None;
        }
        if self.config != config || self.said.is_none() {
            self.take_up(config);
        }
    }
}

impl Handler<Stop> for Publisher {
    type Result = ();
    fn handle(&mut self, Stop: Stop, ctx: &mut Self::Context) {
        self.targets.clear();
        ctx.stop();
    }
}

impl Handler<Heard> for Publisher {
    type Result = ();
    fn handle(&mut self, heard: Heard, _: &mut Self::Context) {
        self.show(&heard.status);
    }
}

impl Handler<Snapshot> for Publisher {
    type Result = ();
    fn handle(&mut self, snapshot: Snapshot, _: &mut Self::Context) {
        for status in snapshot.0.iter() {
            self.show(status);
        }
    }
}

impl Handler<Configured> for Publisher {
    type Result = ();
    fn handle(&mut self, configured: Configured, _: &mut Self::Context) {
        let mut before = std::mem::take(&mut self.services);
        for service in configured.0.iter() {
            let status = before.remove(&service.id).map(|(_, status)| status);
            let status = status.or_else(|| self.early.remove(&service.id));
            let status = status.unwrap_or_else(|| Arc::new(ServiceStatus::pending(service.id.clone())));
            self.services.insert(service.id.clone(), (Arc::clone(service), status));
        }
        self.early.clear();
        self.something_changed();
    }
}

impl Handler<ConfigurationNoted> for Publisher {
    type Result = ();
    fn handle(&mut self, noted: ConfigurationNoted, _: &mut Self::Context) {
        self.mesh_name = noted.mesh_name;
    }
}

impl Handler<NetworkNoted> for Publisher {
    type Result = ();
    fn handle(&mut self, noted: NetworkNoted, _: &mut Self::Context) {
        self.network = Some(noted);
    }
}

impl Handler<MeshNoted> for Publisher {
    type Result = ();
    fn handle(&mut self, MeshNoted(view): MeshNoted, _: &mut Self::Context) {
        let names = self.names.with(&view);
        if names != *self.names {
            self.names = Arc::new(names);
        }
        let before = self.claim();
        self.view = Some(view);
        if before != self.claim() {
            // a new term is published at once, so that others see whose pages these are
            self.published = None;
        }
        self.look();
    }
}
